-- Whose words tasks, artifacts and messages are made of; notices that are taken back.

-- From somebody who may not mean well; and nobody's but the owner's.
ALTER TABLE tasks ADD COLUMN untrusted INTEGER NOT NULL DEFAULT 0 CHECK (untrusted IN (0, 1));
ALTER TABLE tasks ADD COLUMN private   INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
ALTER TABLE artifacts ADD COLUMN untrusted INTEGER NOT NULL DEFAULT 0 CHECK (untrusted IN (0, 1));
ALTER TABLE artifacts ADD COLUMN private   INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
ALTER TABLE messages ADD COLUMN untrusted INTEGER NOT NULL DEFAULT 0 CHECK (untrusted IN (0, 1));
ALTER TABLE messages ADD COLUMN private   INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));

-- What there is already: the owner's words are trusted, those said to the chief of staff too, and
-- those of the series that go on from them. Nobody noted what the rest was made of.
UPDATE tasks SET untrusted = 1
WHERE created_by NOT IN ('owner', 'system', 'cos-agent')
   OR id IN (SELECT task_id FROM idempotency_keys WHERE actor = 'inbox:')
   OR series_id IN (SELECT id FROM tasks WHERE created_by NOT IN ('owner', 'system', 'cos-agent'));
UPDATE artifacts SET untrusted = 1;
UPDATE messages SET untrusted = 1
WHERE author <> 'person'
   OR conversation_id IN (SELECT id FROM conversations WHERE started_by <> 'owner');
-- What may be the owner's alone is what the run of an agent had read then.
UPDATE artifacts SET private = 1
WHERE created_by <> 'owner' AND task_id IN (
    SELECT runs.task_id FROM runs JOIN steps ON steps.run_id = runs.id
    WHERE json_extract(steps.brings, '$.private'));

-- When it was no longer worth telling: what it asked was answered, what it reminded of was done.
ALTER TABLE notices ADD COLUMN withdrawn_at INTEGER CHECK (delivered_at IS NULL OR withdrawn_at IS NULL);
DROP INDEX notices_waiting;
CREATE INDEX notices_waiting ON notices (number) WHERE delivered_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX notices_finished ON notices (number)
    WHERE kind = 'finished' AND delivered_at IS NULL AND withdrawn_at IS NULL;

-- Questions that were answered before anybody told of them.
UPDATE notices SET withdrawn_at = created_at
WHERE delivered_at IS NULL AND kind = 'blocked'
  AND task_id IN (SELECT id FROM tasks WHERE status <> 'blocked');
