package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// growth measures the effect of a million deliveries in the ledger on new ones,
// growth10 that of ten million.
func growth(s *scene)   { s.growth(1) }
func growth10(s *scene) { s.growth(10) }

// growth measures a ledger with millions of deliveries beside an empty one.
func (s *scene) growth(millions int) {
	for _, kind := range kinds {
		full, err := s.filled(kind, millions)
		if errors.Is(err, postgrestest.ErrNone) {
			s.leaveOut("PostgreSQL", err.Error())
			continue
		}
		s.must(err)
		empty, _ := s.fresh(kind) // found, because the filled one was
		none := s.use(empty, 0)
		much := s.use(full, millions*1_000_000)
		none = none.mean(s.use(empty, 0))
		for _, f := range []struct {
			what, unit   string
			value, whole float64
		}{
			{"deliver", "deliveries/s", much.deliver, none.deliver},
			{"list", "calls/s", much.list, none.list},
			{"list-user", "calls/s", much.listUser, none.listUser},
			{"get", "calls/s", much.get, none.get},
		} {
			s.add(figure.Figure{Name: fmt.Sprintf("growth/%s/%dM/%s", kind, millions, f.what), Unit: f.unit, Value: f.value, Of: "empty", Whole: f.whole})
		}
		s.end()
	}
}

// A use holds the rates per second of each kind of use of a ledger.
type use struct{ deliver, list, listUser, get float64 }

func (u use) mean(v use) use {
	return use{(u.deliver + v.deliver) / 2, (u.list + v.list) / 2, (u.listUser + v.listUser) / 2, (u.get + v.get) / 2}
}

// use delivers, lists and gets alerts on databases with users, which hold seeded
// deliveries.
func (s *scene) use(in databases, seeded int) use {
	b := s.serve(in)
	delivered := s.deliver(b, 1)
	// The read alerts are alike in every ledger: the newest have as many deliveries as
	// the seeded ones.
	same := load.Closed{Callers: workers, Most: 500}
	s.must(s.deliverBy(b, seedWidth, same, sendByConnect(b.endpoint, workers, toEach(seedWidth))).tally.Check())
	alerts := alertv1connect.NewAlertServiceClient(newHTTPClient(readers), b.url, b.asAdmin().options())
	reads := load.Closed{Callers: readers, Time: s.Time / 3}
	list := s.run(reads, func(ctx context.Context, _ int) error {
		_, err := alerts.ListAlerts(ctx, &alertv1.ListAlertsRequest{})
		return err
	})
	listUser := s.run(reads, func(ctx context.Context, n int) error {
		res, err := alerts.ListAlerts(ctx, &alertv1.ListAlertsRequest{NickName: user(n % people), PageSize: 1})
		if err == nil && len(res.GetAlerts()) == 0 {
			return errors.New("a user has no alerts")
		}
		return err
	})
	page, err := alerts.ListAlerts(s.ctx, &alertv1.ListAlertsRequest{PageSize: 500})
	s.must(err)
	get := s.run(reads, func(ctx context.Context, n int) error {
		id := page.GetAlerts()[n%len(page.GetAlerts())].GetId()
		if seeded > 0 {
			id = strconv.Itoa(1 + rand.IntN(seeded/seedWidth))
		}
		_, err := alerts.GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
		return err
	})
	s.must(b.Stop(s))
	return use{delivered.perSecond(), list.PerSecond(), listUser.PerSecond(), get.PerSecond()}
}

// readers is the number of concurrent readers of alerts.
const readers = 8
