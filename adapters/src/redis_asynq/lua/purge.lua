-- Throws away tasks that wait, some at a time.
-- KEYS: pending, scheduled, retry
-- ARGV: task key prefix, how many of each at most
-- Replies with how many went.
local gone = 0
local function forget(id)
  redis.call('DEL', ARGV[1] .. id)
  gone = gone + 1
end
for _, id in ipairs(redis.call('RPOP', KEYS[1], ARGV[2]) or {}) do
  forget(id)
end
for set = 2, 3 do
  local popped = redis.call('ZPOPMIN', KEYS[set], ARGV[2])
  for at = 1, #popped, 2 do
    forget(popped[at])
  end
end
return gone
