package event

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	defaultPageSize = 100
	// maxPageBytes bounds the events of a page.
	maxPageBytes = 3 << 20
	// replayPage is the number of dead letters that are read at a time.
	replayPage = 100
)

// A DeadLetterHandler implements the methods of EventService for dead letters.
type DeadLetterHandler struct {
	DeadLetters DeadLetters
	Processor   *Processor // of replays
}

// ListDeadLetters returns a page of dead letters, the newest first.
func (h *DeadLetterHandler) ListDeadLetters(ctx context.Context, req *eventv1.ListDeadLettersRequest) (*eventv1.ListDeadLettersResponse, error) {
	q := DeadLetterQuery{Rule: req.GetRule(), Limit: int(req.GetPageSize())}
	if q.Limit == 0 {
		q.Limit = defaultPageSize
	}
	if token := req.GetPageToken(); token != "" {
		before, err := strconv.ParseInt(token, 10, 64)
		if err != nil || before <= 0 {
			return nil, fault.InvalidField("page_token", "invalid page_token")
		}
		q.Before = before
	}
	q.Limit++ // one more reveals whether there is a next page
	letters, err := h.DeadLetters.DeadLetters(ctx, q)
	if err != nil {
		return nil, err
	}
	res := &eventv1.ListDeadLettersResponse{}
	bytes := 0
	for i, l := range letters {
		bytes += len(l.Event)
		if i == q.Limit-1 || i > 0 && bytes > maxPageBytes {
			res.NextPageToken = strconv.FormatInt(letters[i-1].ID, 10)
			break
		}
		res.DeadLetters = append(res.DeadLetters, letterToWire(l))
	}
	return res, nil
}

// letterToWire returns a dead letter as it is in responses.
func letterToWire(l DeadLetter) *eventv1.DeadLetter {
	wire := &eventv1.DeadLetter{Id: strconv.FormatInt(l.ID, 10), Rule: l.Rule, Reason: l.Reason, CreateTime: timestamppb.New(l.CreateTime)}
	if r := l.reading(); r.Problem == "" {
		wire.Event = toWire(r.Event)
	} else {
		wire.Event = &eventv1.Event{Data: printable(l.Event)}
	}
	return wire
}

// printable returns bytes as text; what is not UTF-8 is replaced.
func printable(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

// reading returns the event of a dead letter, to be handled again by the rule that failed.
func (l DeadLetter) reading() Reading {
	e, problem := parseMessage(http.Header{}, l.Event, l.CreateTime)
	if problem != nil {
		return Reading{Data: l.Event, Problem: problem.Error()}
	}
	return Reading{Event: e, Rule: l.Rule}
}

// ReplayDeadLetters handles dead letters again, the oldest first.
func (h *DeadLetterHandler) ReplayDeadLetters(ctx context.Context, req *eventv1.ReplayDeadLettersRequest) (*eventv1.ReplayDeadLettersResponse, error) {
	ids, err := replayedIDs(req)
	if err != nil {
		return nil, err
	}
	if req.GetAll() {
		if ids, err = h.allLetters(ctx); err != nil {
			return nil, err
		}
	}
	res := &eventv1.ReplayDeadLettersResponse{}
	for page := range slices.Chunk(ids, replayPage) {
		letters, err := h.DeadLetters.DeadLettersByID(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, l := range letters {
			handled, err := h.replay(ctx, l)
			if err != nil {
				return nil, err
			}
			if handled {
				res.HandledCount++
			} else {
				res.FailedCount++
			}
		}
	}
	return res, nil
}

// replayedIDs returns the ids of a request, lowest first.
func replayedIDs(req *eventv1.ReplayDeadLettersRequest) ([]int64, error) {
	if req.GetAll() == (len(req.GetIds()) > 0) {
		return nil, fault.InvalidField("ids", "set either ids or all")
	}
	ids := make([]int64, 0, len(req.GetIds()))
	for _, text := range req.GetIds() {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return nil, fault.InvalidField("ids", "%q is no id of a dead letter", text)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// allLetters returns the ids of all dead letters, lowest first.
func (h *DeadLetterHandler) allLetters(ctx context.Context) ([]int64, error) {
	var ids []int64
	for before := int64(math.MaxInt64); ; {
		letters, err := h.DeadLetters.DeadLetters(ctx, DeadLetterQuery{Before: before, Limit: replayPage})
		if err != nil {
			return nil, err
		}
		if len(letters) == 0 {
			slices.Reverse(ids)
			return ids, nil
		}
		for _, l := range letters {
			ids = append(ids, l.ID)
		}
		before = ids[len(ids)-1]
	}
}

// replay handles a dead letter again and deletes it, or replaces its reason, and reports
// whether it was handled.
func (h *DeadLetterHandler) replay(ctx context.Context, l DeadLetter) (bool, error) {
	handled, err := h.Processor.Process(ctx, []Reading{l.reading()}, true)
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, fault.ErrUnavailable) {
			return false, err
		}
		return false, fault.Unavailablef("replay dead letter %d: %w; try again", l.ID, err)
	}
	if handled[0] == DeadLettered {
		return false, nil
	}
	return true, h.DeadLetters.DeleteDeadLetters(ctx, []int64{l.ID})
}
