-- To how many questions the decision is being told, or was: a provider may ask twice at once. One whose answer comes
-- too late takes itself off, and only a decision that was told to nobody becomes a refusal.
alter table call add column told integer not null default 1;
