-- By what a chat of Telegram's may talk, and whether it can be reached.

-- Whether the settings let it talk, rather than a code that was said in it.
ALTER TABLE telegram_chats ADD COLUMN is_by_settings INTEGER NOT NULL DEFAULT 0 CHECK (is_by_settings IN (0, 1));
-- Since when Telegram hands it nothing: the person blocked the bot, or took it out of the group.
ALTER TABLE telegram_chats ADD COLUMN closed_at INTEGER;
