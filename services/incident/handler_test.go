package incident_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// newHandler returns a handler of a store with incidents of the ids from 1 to n.
func newHandler(t *testing.T, n int) *incident.Handler {
	t.Helper()
	s := openStore(t, filepath.Join(t.TempDir(), "incident.db"))
	_, _, err := s.Lease(t.Context(), "test", at(0), at(1000))
	kittest.NoError(t, err)
	for id := 1; id <= n; id++ {
		c := change(incident.ChangeOpened, "high", id)
		c.Incident, c.Alert.Key = int64(id), strings.Repeat("k", id)
		kittest.NoError(t, s.Apply(t.Context(), "test", []incident.Change{c}))
	}
	return &incident.Handler{Incidents: s, Hub: incident.NewHub(s, nil, quiet), Notify: func() {}, Now: newClock().Now}
}

// TestActor checks whose name an action has.
func TestActor(t *testing.T) {
	h := newHandler(t, 1)
	comment := func(ctx context.Context, by string) (string, error) {
		res, err := h.CommentIncident(ctx, &incidentv1.CommentIncidentRequest{Id: "1", Text: "x", By: by})
		return res.GetEntry().GetBy(), err
	}
	key := auth.WithCaller(t.Context(), auth.Caller{ID: "1", Name: "on-call key"})
	kim := auth.WithCaller(t.Context(), auth.Caller{ID: "2", Name: "key of kim", Nickname: "kim"})
	for _, c := range []struct {
		ctx      context.Context
		by, want string
	}{{t.Context(), "", ""}, {t.Context(), "lee", "lee"}, {key, "", "on-call key"}, {key, "on-call key", "on-call key"}, {kim, "", "kim"}, {kim, "kim", "kim"}} {
		got, err := comment(c.ctx, c.by)
		kittest.NoError(t, err)
		kittest.Equal(t, got, c.want)
	}
	_, err := comment(kim, "lee")
	kittest.Error(t, err, fault.ErrInvalid, "by", "kim")
	res, err := h.GetIncident(t.Context(), &incidentv1.GetIncidentRequest{Id: "1"})
	kittest.NoError(t, err)
	kittest.Equal(t, len(res.GetEntries()), 7) // the refused one is not stored
}

// TestPages checks that pages have every incident once.
func TestPages(t *testing.T) {
	h := newHandler(t, 5)
	var ids []string
	req := &incidentv1.ListIncidentsRequest{PageSize: 2}
	for {
		res, err := h.ListIncidents(t.Context(), req)
		kittest.NoError(t, err)
		for _, i := range res.GetIncidents() {
			ids = append(ids, i.GetId())
		}
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	kittest.Equal(t, strings.Join(ids, " "), "5 4 3 2 1")
	for _, token := range []string{"x", "-1", "0", "99999999999999999999"} {
		_, err := h.ListIncidents(t.Context(), &incidentv1.ListIncidentsRequest{PageToken: token})
		kittest.Error(t, err, fault.ErrInvalid, "page_token")
	}
	_, err := h.GetIncident(t.Context(), &incidentv1.GetIncidentRequest{Id: "9"})
	kittest.Error(t, err, fault.ErrNotFound, "incident 9 not found")
	_, err = h.GetIncident(t.Context(), &incidentv1.GetIncidentRequest{Id: "9999999999999999999"})
	kittest.Error(t, err, fault.ErrInvalid, "id")
}
