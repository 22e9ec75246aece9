INSERT INTO job (id, person, first, last, items, of, claimed)
VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET last = excluded.last, items = items + 1, of = excluded.of
