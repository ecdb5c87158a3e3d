package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
)

// What Rust writes for its Work (adapters/contract/src/work.rs).
const rustWork = `{"system":"asynq","profile":"article-tuned","queue":"schedbench.1.2","cell":2,` +
	`"index":1,"at":{"host":"127.0.0.1","port":21000,"user":null,"password":"secret",` +
	`"database":null,"tls":false},"shape":{"processes":1,"concurrency":8,"prefetch":256,` +
	`"connections":1,"window":4096},"seed":18446744073709551615,"handler":{"sleep-ns":1500},` +
	`"fail_ppm":10000,"retry":{"max":2,"backoff_ns":20000000},"body":{"seed":7,"bytes":100},` +
	`"write_each":true,"options":{"concurrency":"50","task_check_interval_ms":"20"}}` + "\n"

func TestWorkIsReadAsRustWritesIt(t *testing.T) {
	work, err := readWork(strings.NewReader(rustWork))
	if err != nil {
		t.Fatal(err)
	}
	expected := Work{
		Queue:     "schedbench.1.2",
		Index:     1,
		At:        Address{Host: "127.0.0.1", Port: 21000, Password: "secret"},
		Shape:     Shape{Concurrency: 8},
		Seed:      1<<64 - 1,
		Handler:   Handler{Sleep: 1500},
		FailPPM:   10_000,
		Retry:     Retry{Backoff: 20 * time.Millisecond},
		Body:      Fill{Seed: 7, Bytes: 100},
		WriteEach: true,
		Options:   Options{TaskCheckInterval: 20, Concurrency: 50},
	}
	if *work != expected {
		t.Errorf("%+v", *work)
	}
	config := config(work, 50)
	if config.TaskCheckInterval != 20*time.Millisecond || config.DelayedTaskCheckInterval != 0 {
		t.Errorf("%+v", config)
	}
	if config.RetryDelayFunc(3, nil, nil) != 20*time.Millisecond {
		t.Error("the back-off is not the scenario's")
	}
}

func TestSentinelsSayWhereThePrimaryIs(t *testing.T) {
	text := strings.Replace(rustWork, `"options":{`, `"options":{"sentinel_master":"it",`, 1)
	work, err := readWork(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	at, err := redis(work)
	if err != nil {
		t.Fatal(err)
	}
	expected := asynq.RedisFailoverClientOpt{
		MasterName: "it", SentinelAddrs: []string{"127.0.0.1:21000"},
		SentinelPassword: "secret", Password: "secret",
	}
	if !reflect.DeepEqual(at, expected) {
		t.Errorf("%+v", at)
	}
}

func TestMastersOfAClusterDivideTheQueues(t *testing.T) {
	with := `"options":{"queues":"q.0,q.1,q.4","cluster_nodes":"127.0.0.1:7001,127.0.0.1:7002",`
	work, err := readWork(strings.NewReader(strings.Replace(rustWork, `"options":{`, with, 1)))
	if err != nil {
		t.Fatal(err)
	}
	at, err := redis(work)
	if err != nil {
		t.Fatal(err)
	}
	expected := asynq.RedisClusterClientOpt{
		Addrs: []string{"127.0.0.1:7001", "127.0.0.1:7002"}, Password: "secret",
	}
	if !reflect.DeepEqual(at, expected) {
		t.Errorf("%+v", at)
	}
	if got := config(work, 1).Queues; !reflect.DeepEqual(got, map[string]int{"q.0": 1, "q.1": 1, "q.4": 1}) {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsNoWorkIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "{", "{}", `{"queue":"q"}`, strings.Replace(rustWork, "sleep-ns", "rest-ns", 1),
	} {
		if _, err := readWork(strings.NewReader(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestServersShareTheHandlers(t *testing.T) {
	for _, c := range []struct {
		concurrency, replaced, servers int
		expected                       []int
	}{
		{10, 0, 0, []int{10}},
		{10, 50, 0, []int{50}},
		{10, 0, 4, []int{3, 3, 2, 2}},
		{2, 0, 4, []int{1, 1}},
		{0, 0, 0, []int{1}},
	} {
		work := &Work{Shape: Shape{c.concurrency}, Options: Options{Concurrency: c.replaced, Servers: c.servers}}
		if got := shares(work); !slices.Equal(got, c.expected) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestAttemptsEndAsPlanned(t *testing.T) {
	work := &Work{Body: Fill{Seed: 7, Bytes: 100}}
	h := &handler{work: work, bodies: newBodyPool(work.Body)}
	body := h.bodies.of(5)
	if got := h.end(5, 0, true, body); got != done {
		t.Errorf("an intact body ends as %d", got)
	}
	if got := h.end(5, 0, true, body[1:]); got != corrupt {
		t.Errorf("a short body ends as %d", got)
	}
	work.FailPPM = 1_000_000
	if got := h.end(5, 0, false, body); got != failed {
		t.Errorf("a planned failure ends as %d", got)
	}
	if got := h.end(5, 2, true, body); got != failedFinally {
		t.Errorf("the last planned failure ends as %d", got)
	}
}

// writes keeps what each write carried.
type writes chan []byte

func (w writes) Write(bytes []byte) (int, error) {
	w <- slices.Clone(bytes)
	return len(bytes), nil
}

func TestARecordIsWrittenAsTheProtocolSays(t *testing.T) {
	written := make(writes, 1)
	newEvents(written, true).add(record{id: 1, attempt: 2, status: failedFinally, start: 4, end: 5})
	bytes := <-written
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(bytes[at:]) }
	if len(bytes) != recordBytes || word(0) != 1 || word(8) != 2|3<<32 || word(16) != 4 || word(24) != 5 {
		t.Errorf("% x", bytes)
	}
}

func TestRecordsLeaveInTimeOrInFullBatches(t *testing.T) {
	written := make(writes, 256)
	out := newEvents(written, false)
	out.add(record{id: 1})
	select {
	case bytes := <-written:
		if len(bytes) != recordBytes {
			t.Errorf("%d bytes", len(bytes))
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a record never left")
	}
	for id := range uint64(2 * batchBytes / recordBytes) {
		out.add(record{id: id})
	}
	out.flush()
	// The timer may have cut a batch on a busy machine; none is too large.
	for left := 2 * batchBytes; left > 0; {
		bytes := <-written
		if len(bytes) > batchBytes {
			t.Errorf("%d bytes in one write", len(bytes))
		}
		left -= len(bytes)
	}
}

func TestTheClockIsTheRuns(t *testing.T) {
	first := nanotime()
	time.Sleep(10 * time.Millisecond)
	if slept := nanotime() - first; slept < int64(10*time.Millisecond) {
		t.Errorf("%d ns", slept)
	}
}

func TestOurPartOfATaskIsMeasuredWithoutItsHandler(t *testing.T) {
	work := &Work{
		Body: Fill{Seed: 7, Bytes: 100}, FailPPM: 500_000, Handler: Handler{Sleep: time.Second},
	}
	batched, err := ownCost(work)
	if err != nil {
		t.Fatal(err)
	}
	work.WriteEach = true
	each, err := ownCost(work)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, %s with a write for each", batched, each)
	if batched < 20 || each < batched || each > time.Millisecond {
		t.Error("expected some tens of nanoseconds, and more with a write for each")
	}
}

// An outage is told once, and its end once, however many commands it meets.
func TestAnOutageIsToldOnceAndSoIsItsEnd(t *testing.T) {
	var pipe bytes.Buffer
	watch := &connection{worker: 3, events: newEvents(&pipe, true)}
	outcome := error(nil)
	process := watch.ProcessHook(func(context.Context, goredis.Cmder) error { return outcome })
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for _, step := range []struct {
		ctx     context.Context
		outcome error
	}{
		{context.Background(), nil},
		{context.Background(), goredis.Nil},
		{stopped, io.EOF},
		{context.Background(), goredis.ErrClosed},
		{context.Background(), io.EOF},
		{context.Background(), errors.New("dial tcp: connection refused")},
		{stopped, io.EOF},
		{context.Background(), goredis.ErrClosed},
		{context.Background(), goredis.Nil},
		{context.Background(), nil},
	} {
		outcome = step.outcome
		if err := process(step.ctx, nil); !errors.Is(err, outcome) {
			t.Errorf("%v became %v", outcome, err)
		}
	}
	var told []status
	for rest := pipe.Bytes(); len(rest) >= recordBytes; rest = rest[recordBytes:] {
		if id := binary.LittleEndian.Uint64(rest); id != 3 {
			t.Errorf("of worker %d", id)
		}
		told = append(told, status(binary.LittleEndian.Uint32(rest[12:])))
	}
	if !slices.Equal(told, []status{disconnected, reconnected}) {
		t.Errorf("%v", told)
	}
}
