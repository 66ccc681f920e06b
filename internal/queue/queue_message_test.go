package queue

import (
	"reflect"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
)

// TestGroupJobs checks which jobs share a queue message, by their alert ids.
func TestGroupJobs(t *testing.T) {
	of := func(alert int64, messenger string, rank job.Rank, deliveries, bytes int) job.Job {
		return job.Job{AlertID: alert, Messenger: messenger, Rank: rank, Deliveries: make([]job.Delivery, deliveries), Content: job.Content{Text: strings.Repeat("x", bytes)}}
	}
	for name, test := range map[string]struct {
		jobs []job.Job
		want [][]int64
	}{
		"full jobs go alone": {
			[]job.Job{of(1, "slack", job.High, 5, 1), of(1, "slack", job.High, 5, 1), of(1, "slack", job.High, 2, 1)}, [][]int64{{1}, {1}, {1}},
		},
		"small jobs go together": {
			[]job.Job{of(1, "slack", job.High, 2, 1), of(2, "slack", job.High, 2, 1), of(3, "slack", job.High, 1, 1), of(4, "slack", job.High, 1, 1)},
			[][]int64{{1, 2, 3}, {4}},
		},
		"a job above the limit has its own message": {
			[]job.Job{of(1, "slack", job.High, 9, 1), of(2, "slack", job.High, 1, 1)}, [][]int64{{1}, {2}},
		},
		"messengers and ranks are separate, each in order": {
			[]job.Job{of(1, "slack", job.High, 1, 1), of(2, "discord", job.High, 1, 1), of(3, "slack", job.Low, 1, 1), of(4, "slack", job.High, 1, 1), of(5, "discord", job.High, 1, 1)},
			[][]int64{{1, 4}, {2, 5}, {3}},
		},
		"jobs above the byte limit are separate": {
			[]job.Job{of(1, "slack", job.High, 1, maxMessageBytes/2), of(2, "slack", job.High, 1, maxMessageBytes/2), of(3, "slack", job.High, 1, 1)}, [][]int64{{1, 2}, {3}},
		},
		"none": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got [][]int64
			for _, jobs := range groupJobs(test.jobs, 5) {
				var alerts []int64
				for _, j := range jobs {
					alerts = append(alerts, j.AlertID)
				}
				got = append(got, alerts)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
