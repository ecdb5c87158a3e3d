package fed

import (
	"io"
	"os"
	"slices"
	"time"
)

const (
	// costTasks is how many tasks a round has: their two records each fit into
	// the smallest pipe (one page), so that nothing waits for a reader.
	costTasks  = 50
	costRounds = 101
)

// ownCost measures what a task costs besides the scheduler: our own part of it,
// the middle one of some rounds.
func ownCost(work *Work) (time.Duration, error) {
	own := *work
	own.Handler = Handler{}
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	defer writer.Close()
	report := NewReport(writer, own.WriteEach)
	runner := NewRunner(&own, report, true)
	var ids [costTasks]uint64
	for n := range ids {
		ids[n] = uint64(n)
	}
	var rounds [costRounds]int64
	records := make([]byte, 2*costTasks*recordBytes)
	for round := range rounds {
		began := Now()
		report.Confirm(ids[:], Now())
		for _, id := range ids {
			runner.Run(id)
		}
		report.Flush()
		rounds[round] = Now() - began
		if _, err := io.ReadFull(reader, records); err != nil {
			return 0, err
		}
	}
	slices.Sort(rounds[:])
	return time.Duration(rounds[costRounds/2] / costTasks), nil
}
