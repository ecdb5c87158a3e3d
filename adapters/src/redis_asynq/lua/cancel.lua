-- Deletes a task that has not started (the inspector's "delete task",
-- protocol 5, for the states before the first attempt).
-- KEYS: pending, scheduled, the task
-- ARGV: its id
-- Replies with 1 when it is gone, 0 when it was too late.
local state, removed = redis.call('HGET', KEYS[3], 'state'), 0
if state == 'scheduled' then
  removed = redis.call('ZREM', KEYS[2], ARGV[1])
elseif state == 'pending' then
  removed = redis.call('LREM', KEYS[1], 1, ARGV[1])
end
if removed == 0 then
  return 0
end
redis.call('DEL', KEYS[3])
return 1
