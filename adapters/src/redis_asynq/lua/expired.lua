-- Lists tasks whose lease ran out (protocol 3.12), a page at a time.
-- KEYS: lease
-- ARGV: task key prefix, cut-off in s, how many to pass over, how many at most
-- Replies with their messages; an empty one where a task's record is missing.
local messages = {}
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', ARGV[3], ARGV[4])
for place, id in ipairs(ids) do
  messages[place] = redis.call('HGET', ARGV[1] .. id, 'msg') or ''
end
return messages
