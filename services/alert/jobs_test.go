package alert_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/services/alert"
)

func deliveries(messenger string, from, count int) []alert.Delivery {
	ds := make([]alert.Delivery, 0, count)
	for n := from; n < from+count; n++ {
		ds = append(ds, alert.Delivery{ID: int64(n), Messenger: messenger, Nickname: fmt.Sprint("u", n), Destination: fmt.Sprint("C", n), SealedCredential: []byte{byte(n)}, State: alert.Queued})
	}
	return ds
}

func TestJobs(t *testing.T) {
	a := alert.Alert{ID: 7, Severity: "High", Message: "m", Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Texts: map[string]string{"sms": "m, by SMS"}}
	mixed := append(deliveries("slack", 1, 6), deliveries("sms", 7, 2)...)
	mixed = append(mixed, deliveries("slack", 9, 1)...)
	mixed[1].State = alert.Failed
	mixed = append(mixed, alert.Delivery{ID: 10, Messenger: "slack", State: alert.Held})
	for _, c := range []struct {
		name string
		ds   []alert.Delivery
		size int
		want []string
	}{
		{"none", nil, 5, nil},
		{"12 make 5, 5 and 2", deliveries("slack", 1, 12), 5, []string{"slack 1 2 3 4 5", "slack 6 7 8 9 10", "slack 11 12"}},
		{"exactly full", deliveries("slack", 1, 5), 5, []string{"slack 1 2 3 4 5"}},
		{"one each", deliveries("slack", 1, 2), 1, []string{"slack 1", "slack 2"}},
		{"one messenger per job, and queued deliveries only", mixed, 5, []string{"slack 1 3 4 5 6", "sms 7 8", "slack 9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, j := range alert.Jobs(a, c.ds, c.size) {
				if j.AlertID != 7 || j.Trace != a.Trace || j.Rank != job.High || j.Content.Severity != "High" || j.Content.Text != map[string]string{"slack": "[High] m", "sms": "m, by SMS"}[j.Messenger] {
					t.Errorf("job %+v", j)
				}
				line := j.Messenger
				for _, d := range j.Deliveries {
					line += fmt.Sprint(" ", d.ID)
					if d.Destination != fmt.Sprint("C", d.ID) || len(d.SealedCredential) != 1 || d.Nickname != fmt.Sprint("u", d.ID) {
						t.Errorf("delivery %+v", d)
					}
				}
				got = append(got, line)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
