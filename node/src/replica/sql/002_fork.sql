-- Whose journal a receipt is about, where that is not the first author's.
ALTER TABLE receipt ADD COLUMN author INTEGER;
