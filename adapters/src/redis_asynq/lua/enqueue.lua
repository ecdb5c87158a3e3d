-- Stores tasks that are due now (protocol 3.1), in the order given.
-- KEYS: pending
-- ARGV: task key prefix, now in ns, then an id and a message per task
-- Replies with the places, from 1, of ids that exist already.
local exist, new = {}, {}
for at = 3, #ARGV, 2 do
  local task = ARGV[1] .. ARGV[at]
  if redis.call('EXISTS', task) == 1 then
    exist[#exist + 1] = (at - 1) / 2
  else
    redis.call('HSET', task, 'msg', ARGV[at + 1], 'state', 'pending', 'pending_since', ARGV[2])
    new[#new + 1] = ARGV[at]
  end
end
if #new > 0 then
  redis.call('LPUSH', KEYS[1], unpack(new))
end
return exist
