package alert

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/internal/silence"
)

var _ SilenceFeed = SilenceClient{}

// silenceTimeout is the timeout of a call, of which the incident service waits 20 seconds.
const silenceTimeout = 30 * time.Second

// A SilenceClient implements SilenceFeed over SilenceFeedService.
type SilenceClient struct {
	Service incidentv1connect.SilenceFeedServiceClient
	Log     *slog.Logger
}

// Silences returns the silences of the incident service. One that this version cannot parse is
// logged and ignored.
func (c SilenceClient) Silences(ctx context.Context, revision int64) (SilenceSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, silenceTimeout)
	defer cancel()
	res, err := c.Service.ListActiveSilences(ctx, &incidentv1.ListActiveSilencesRequest{Revision: revision})
	if err != nil {
		return SilenceSnapshot{}, err
	}
	snapshot := SilenceSnapshot{Revision: res.GetRevision(), Silences: make([]Silence, 0, len(res.GetSilences()))}
	for _, wire := range res.GetSilences() {
		s, err := silenceFromWire(wire)
		if err != nil {
			c.Log.Error("silence ignored", "silence_id", wire.GetId(), "error", err)
			continue
		}
		snapshot.Silences = append(snapshot.Silences, s)
	}
	return snapshot, nil
}

func silenceFromWire(wire *incidentv1.Silence) (Silence, error) {
	id, err := strconv.ParseInt(wire.GetId(), 10, 64)
	if err != nil || id <= 0 {
		return Silence{}, fmt.Errorf("invalid id %q", wire.GetId())
	}
	matchers, err := silence.Parse(wire.GetMatchers())
	if err != nil {
		return Silence{}, err
	}
	if len(matchers) == 0 {
		return Silence{}, fmt.Errorf("no matchers")
	}
	return Silence{ID: id, Matchers: matchers, Start: wire.GetStartTime().AsTime(), End: wire.GetEndTime().AsTime()}, nil
}
