-- Every call wrote an entry in each of nine indexes, and its end took three of them out again. Two of them answered one
-- question, which is asked when a number is given back: calls that are under way are few, and `call_running` lists them.
drop index call_running_number;
drop index call_running_caller_id;
