//! One suite for every backend: what [`super::Store`] promises, asked of a store that is empty.
