-- Stores tasks that are due later (protocol 3.3).
-- KEYS: scheduled
-- ARGV: task key prefix, then an id, a message and a due second per task
-- Replies with the places, from 1, of ids that exist already.
local exist = {}
for at = 2, #ARGV, 3 do
  local task = ARGV[1] .. ARGV[at]
  if redis.call('EXISTS', task) == 1 then
    exist[#exist + 1] = (at + 1) / 3
  else
    redis.call('HSET', task, 'msg', ARGV[at + 1], 'state', 'scheduled')
    redis.call('ZADD', KEYS[1], ARGV[at + 2], ARGV[at])
  end
end
return exist
