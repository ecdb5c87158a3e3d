package fed

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// What Rust writes for its Work (adapters/contract/src/work.rs).
const rustWork = `{"system":"go-timers","profile":"afterfunc","queue":"schedbench.1.2","cell":2,
"index":1,"at":null,"shape":{"processes":1,"concurrency":8,"prefetch":256,"connections":1,
"window":4096},"seed":18446744073709551615,"handler":{"sleep-ns":1500},"fail_ppm":10000,
"retry":{"max":0,"backoff_ns":0},"body":{"seed":7,"bytes":100},"write_each":true}`

func TestWorkIsReadAsRustWritesIt(t *testing.T) {
	var work Work
	if err := json.Unmarshal([]byte(rustWork), &work); err != nil {
		t.Fatal(err)
	}
	if work.Profile != "afterfunc" || work.Index != 1 || work.At != nil || !work.WriteEach ||
		work.Shape.Concurrency != 8 || work.Seed != 1<<64-1 || work.FailPPM != 10_000 ||
		work.Handler.Sleep != 1500 {
		t.Errorf("%+v", work)
	}
	for text, good := range map[string]bool{
		`"none"`: true, `{"cpu-ns":5}`: true, `"some"`: false, `{}`: false, `{"sleep-ns":1,"cpu-ns":1}`: false,
	} {
		var handler Handler
		if err := json.Unmarshal([]byte(text), &handler); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// SplitMix64's reference: its outputs with seed 1234567 are mix of multiples
// of the golden gamma added to the seed.
func TestMixIsTheReferencesFinaliser(t *testing.T) {
	state := uint64(1_234_567)
	for _, expected := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		state += 0x9e3779b97f4a7c15
		if got := mix(state); got != expected {
			t.Errorf("%d, expected %d", got, expected)
		}
	}
}

func TestAttemptsFailAsTheVectorsSay(t *testing.T) {
	text, err := os.ReadFile("../../contract/vectors/attempts.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Cases []struct {
			Seed    uint64 `json:"seed"`
			ID      uint64 `json:"id"`
			Attempt uint32 `json:"attempt"`
			FailPPM uint64 `json:"fail_ppm"`
			Fails   bool   `json:"fails"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range vectors.Cases {
		if attemptFails(c.Seed, c.ID, c.Attempt, c.FailPPM) != c.Fails {
			t.Errorf("%+v", c)
		}
	}
}

func TestEachStopForACollectionIsReportedOnceOnTheRunsClock(t *testing.T) {
	// No collection but those that it asks for.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var events bytes.Buffer
	report := NewReport(&events, false)
	runtime.GC()
	pauses := newPauses(report)
	pauses.look()
	report.Flush()
	if events.Len() != 0 {
		t.Fatal("a stop of before")
	}
	before := Now()
	runtime.GC()
	pauses.look()
	pauses.look()
	report.Flush()
	// A collection stops the world at its begin and at its end.
	if events.Len() != 2*recordBytes {
		t.Fatalf("%d bytes of events", events.Len())
	}
	for events.Len() > 0 {
		record := events.Next(recordBytes)
		start, end := binary.LittleEndian.Uint64(record[16:]), binary.LittleEndian.Uint64(record[24:])
		// The bound of its bucket is a quarter more than its length at most.
		longest := uint64(Now()-before) * 5 / 4
		if record[12] != statusPause || start >= end || end < uint64(before) || end-start > longest {
			t.Errorf("% x", record)
		}
	}
}

type listed struct {
	ids    []uint64
	delays []time.Duration
}

func (l *listed) At(id uint64, delay time.Duration) error {
	l.ids, l.delays = append(l.ids, id), append(l.delays, delay)
	return nil
}

func (l *listed) Stop() {}

func TestWhatIsFedIsScheduledAndThenConfirmed(t *testing.T) {
	var input []byte
	for id := range uint64(1000) {
		input = binary.LittleEndian.AppendUint64(input, id)
		input = binary.LittleEndian.AppendUint64(input, uint64(Now()+int64(time.Hour)))
	}
	var events bytes.Buffer
	report, scheduled := NewReport(&events, false), &listed{}
	if err := feed(bufio.NewReader(bytes.NewReader(input)), scheduled, report); err != nil {
		t.Fatal(err)
	}
	report.Flush()
	if events.Len() != 1000*recordBytes {
		t.Fatalf("%d bytes of events", events.Len())
	}
	last := int64(0)
	for id := range uint64(1000) {
		record := events.Next(recordBytes)
		end := int64(binary.LittleEndian.Uint64(record[24:]))
		if binary.LittleEndian.Uint64(record) != id || record[12] != statusConfirmed || end < last || end > Now() {
			t.Fatalf("task %d: % x", id, record)
		}
		last = end
	}
	for id, delay := range scheduled.delays {
		if scheduled.ids[id] != uint64(id) || delay > time.Hour || delay < time.Hour-time.Minute {
			t.Fatalf("task %d as %d in %s", id, scheduled.ids[id], delay)
		}
	}
}

func TestTheLastRecordSaysHowManyTasksEndWithTheProgram(t *testing.T) {
	var events bytes.Buffer
	report := NewReport(&events, true)
	runner := NewRunner(&Work{}, report, true)
	// It runs before it is confirmed, as a task that is due may.
	runner.Run(0)
	report.Confirm([]uint64{0, 1, 2, 3}, Now())
	runner.Run(1)
	runner.LetGo()
	report.end(3)
	last := events.Bytes()[events.Len()-recordBytes:]
	if held := binary.LittleEndian.Uint64(last); held != 1 || last[8] != 3 || last[12] != statusHeld {
		t.Errorf("% x", last)
	}
}

func TestAnInputThatEndsInsideATaskIsAnError(t *testing.T) {
	report := NewReport(&bytes.Buffer{}, false)
	if err := feed(bufio.NewReader(bytes.NewReader(make([]byte, 17))), &listed{}, report); err == nil {
		t.Error("no error")
	}
}

func TestRecordsLeaveWithinTimeOrWhenABatchIsFull(t *testing.T) {
	writes := make(chan []byte, 10)
	report := NewReport(writer(writes), false)
	report.Add(1, statusDone, 2, 3)
	expected := append(make([]byte, 0, recordBytes), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0)
	select {
	case got := <-writes:
		if !slices.Equal(got, expected) {
			t.Errorf("% x", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it never left")
	}
	for range batchBytes / recordBytes {
		report.Add(1, statusDone, 2, 3)
	}
	// All of them in one write, unless the timer came in between.
	for total := 0; total < batchBytes; {
		total += len(<-writes)
	}
}

type writer chan<- []byte

func (w writer) Write(bytes []byte) (int, error) {
	w <- slices.Clone(bytes)
	return len(bytes), nil
}

func TestHandlersThatWorkAreLimitedAndWaitedFor(t *testing.T) {
	var events bytes.Buffer
	work := &Work{Handler: Handler{Sleep: 200 * time.Millisecond}}
	work.Shape.Concurrency = 2
	runner := NewRunner(work, NewReport(&events, true), false)
	for id := range uint64(100) {
		go runner.Run(id)
	}
	for len(runner.slots) < 2 {
		time.Sleep(time.Millisecond)
	}
	runner.stop()
	// Those that waited for a slot do not get one that is freed meanwhile.
	if n := events.Len() / recordBytes; n < 2 || n > 6 {
		t.Errorf("%d ran", n)
	}
}

func TestOurPartOfATaskIsMeasuredWithoutItsHandler(t *testing.T) {
	work := &Work{FailPPM: 10_000, Handler: Handler{Sleep: time.Second}}
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

// What a task costs its program in the harness's protocol: one record when it
// is confirmed, one when it has run, and the clock.
func BenchmarkProtocolPerTask(b *testing.B) {
	work := &Work{}
	runner := &Runner{work: work, report: NewReport(discard{}, false)}
	var ids [1]uint64
	for id := range uint64(b.N) {
		ids[0] = id
		runner.report.Confirm(ids[:], Now())
		runner.Run(id)
	}
}

type discard struct{}

func (discard) Write(bytes []byte) (int, error) { return len(bytes), nil }
