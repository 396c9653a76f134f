-- A purchase whose answer was lost and that the provider never listed may have been paid for all the same (the number can be
-- gone again before anybody looks), so that it counts against the budget of 30 days like one that is known to be made.
drop index intent_spent;
create index intent_spent on intent (tenant, provider_account, created_at)
  where state <> 'failed' or last_error = 'not_bought';
