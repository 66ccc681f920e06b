package incident

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/internal/silence"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var (
	_ incidentv1connect.SilenceServiceHandler     = (*SilenceHandler)(nil)
	_ incidentv1connect.SilenceFeedServiceHandler = (*SilenceFeedHandler)(nil)
)

const (
	// maxSilenceTime is how far in the future a silence may end: a year, with a leap day.
	maxSilenceTime = 366 * 24 * time.Hour
	// maxMatchersSize is the maximum size of the matchers of a silence in bytes, all together.
	maxMatchersSize = 4000
)

// A SilenceHandler implements SilenceService.
type SilenceHandler struct {
	Silences Silences
	Hub      *SilenceHub // it is notified of changes
	Alerts   AlertReader // for previews
	Now      func() time.Time
}

// CreateSilence stores a silence.
func (h *SilenceHandler) CreateSilence(ctx context.Context, req *incidentv1.CreateSilenceRequest) (*incidentv1.CreateSilenceResponse, error) {
	now := h.Now().Truncate(time.Microsecond)
	s, err := newSilence(req, now)
	if err != nil {
		return nil, err
	}
	if s.Author, err = authorOf(ctx, req.GetAuthor()); err != nil {
		return nil, err
	}
	if s, err = h.Silences.AddSilence(ctx, s, now.Add(-silenceRetention), MaxSilences); err != nil {
		return nil, err
	}
	h.Hub.Changed()
	return &incidentv1.CreateSilenceResponse{Silence: silenceToWire(s, now)}, nil
}

// newSilence returns the silence of a request, without its author. A begin in the past is now.
func newSilence(req *incidentv1.CreateSilenceRequest, now time.Time) (Silence, error) {
	matchers, err := parseMatchers(req.GetMatchers())
	if err != nil {
		return Silence{}, err
	}
	s := Silence{Matchers: matchers.Strings(), Start: now, End: req.GetEndTime().AsTime().Truncate(time.Microsecond), CreateTime: now, Reason: req.GetReason()}
	if req.GetStartTime() != nil && req.GetStartTime().AsTime().After(now) {
		s.Start = req.GetStartTime().AsTime().Truncate(time.Microsecond)
	}
	switch {
	case !s.End.After(now):
		return Silence{}, fault.InvalidField("end_time", "has passed")
	case !s.End.After(s.Start):
		return Silence{}, fault.InvalidField("end_time", "must be after start_time")
	case s.End.After(now.Add(maxSilenceTime)):
		return Silence{}, fault.InvalidField("end_time", "must be at most a year from now")
	}
	if broad := matchers.Broad(); broad != "" && !req.GetForce() {
		return Silence{}, fault.WithReason(fault.InvalidField("matchers", "too broad, set force to create it nevertheless: %s", broad), "BROAD_SILENCE")
	}
	return s, nil
}

func parseMatchers(texts []string) (silence.Matchers, error) {
	matchers, err := silence.Parse(texts)
	if err != nil {
		return nil, err
	}
	if size := len(strings.Join(matchers.Strings(), "")); size > maxMatchersSize {
		return nil, fault.InvalidField("matchers", "must have at most %d bytes, have %d", maxMatchersSize, size)
	}
	return matchers, nil
}

// authorOf returns the author of a silence: the caller, or author if the caller has no credentials.
func authorOf(ctx context.Context, author string) (string, error) {
	self, err := actorOf(ctx, "")
	if err != nil || self == "" {
		return author, err
	}
	if author != "" && author != self {
		return "", fault.InvalidField("author", "must be empty or %q: a caller with credentials can only name itself", self)
	}
	return self, nil
}

// ListSilences returns a page of silences.
func (h *SilenceHandler) ListSilences(ctx context.Context, req *incidentv1.ListSilencesRequest) (*incidentv1.ListSilencesResponse, error) {
	now := h.Now()
	limit := cmp.Or(int(req.GetPageSize()), defaultPage)
	q := SilenceQuery{EndAfter: now, Limit: limit + 1}
	if req.GetExpired() {
		q.EndAfter = now.Add(-silenceRetention)
	}
	if token := req.GetPageToken(); token != "" {
		var end int64
		if n, err := fmt.Sscanf(token, "%d.%d", &end, &q.BeforeID); n != 2 || err != nil || q.BeforeID <= 0 || token != pageToken(time.UnixMicro(end), q.BeforeID) {
			return nil, fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
		}
		q.BeforeEnd = time.UnixMicro(end)
	}
	all, err := h.Silences.ListSilences(ctx, q)
	if err != nil {
		return nil, err
	}
	res := &incidentv1.ListSilencesResponse{}
	if len(all) > limit {
		all = all[:limit]
		res.NextPageToken = pageToken(all[limit-1].End, all[limit-1].ID)
	}
	for _, s := range all {
		res.Silences = append(res.Silences, silenceToWire(s, now))
	}
	return res, nil
}

// pageToken returns the token of the page after a silence.
func pageToken(end time.Time, id int64) string { return fmt.Sprintf("%d.%d", end.UnixMicro(), id) }

// GetSilence returns a silence.
func (h *SilenceHandler) GetSilence(ctx context.Context, req *incidentv1.GetSilenceRequest) (*incidentv1.GetSilenceResponse, error) {
	id, err := parseID(req.GetId())
	if err != nil {
		return nil, err
	}
	s, err := h.Silences.Silence(ctx, id)
	if err != nil {
		return nil, err
	}
	return &incidentv1.GetSilenceResponse{Silence: silenceToWire(s, h.Now())}, nil
}

// ExpireSilence ends a silence.
func (h *SilenceHandler) ExpireSilence(ctx context.Context, req *incidentv1.ExpireSilenceRequest) (*incidentv1.ExpireSilenceResponse, error) {
	id, err := parseID(req.GetId())
	if err != nil {
		return nil, err
	}
	now := h.Now()
	s, err := h.Silences.ExpireSilence(ctx, id, now)
	if err != nil {
		return nil, err
	}
	h.Hub.Changed()
	return &incidentv1.ExpireSilenceResponse{Silence: silenceToWire(s, now)}, nil
}

// A SilenceFeedHandler implements SilenceFeedService.
type SilenceFeedHandler struct {
	Silences Silences
	Hub      *SilenceHub
	Now      func() time.Time
}

// ListActiveSilences waits for a change and returns the silences that have not ended, without
// reasons and authors. Without a change it returns none.
func (h *SilenceFeedHandler) ListActiveSilences(ctx context.Context, req *incidentv1.ListActiveSilencesRequest) (*incidentv1.ListActiveSilencesResponse, error) {
	if err := h.Hub.wait(ctx, req.GetRevision()); err != nil {
		return nil, err
	}
	now := h.Now()
	revision, all, err := h.Silences.ActiveSilences(ctx, now)
	if err != nil {
		return nil, err
	}
	res := &incidentv1.ListActiveSilencesResponse{Revision: revision}
	if revision == req.GetRevision() {
		return res, nil
	}
	for _, s := range all {
		s.Reason, s.Author = "", ""
		res.Silences = append(res.Silences, silenceToWire(s, now))
	}
	return res, nil
}

func silenceToWire(s Silence, now time.Time) *incidentv1.Silence {
	return &incidentv1.Silence{
		Id: strconv.FormatInt(s.ID, 10), Matchers: s.Matchers, StartTime: timeToWire(s.Start), EndTime: timeToWire(s.End),
		CreateTime: timeToWire(s.CreateTime), Reason: s.Reason, Author: s.Author, State: incidentv1.SilenceState(s.State(now)),
	}
}
