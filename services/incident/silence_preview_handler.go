package incident

import (
	"context"
	"time"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
)

const (
	// previewTime is the age of the oldest alerts of a preview.
	previewTime = 24 * time.Hour
	// maxPreviewAlerts is the maximum number of alerts that a preview reads.
	maxPreviewAlerts = 10_000
	// maxPreviewShown is the maximum number of alerts that a preview returns.
	maxPreviewShown = 20
	// maxPreviewText is the maximum length of their messages in characters.
	maxPreviewText = 200
)

// An AlertReader reads alerts of the alert service.
type AlertReader interface {
	// ReadFiring calls f with the firing alerts since a time, the newest first. It reads at most
	// limit alerts, of which others than firing ones are skipped.
	ReadFiring(ctx context.Context, since time.Time, limit int, f func(FiredAlert)) error
}

// PreviewSilence matches the alerts of the last day.
func (h *SilenceHandler) PreviewSilence(ctx context.Context, req *incidentv1.PreviewSilenceRequest) (*incidentv1.PreviewSilenceResponse, error) {
	matchers, err := parseMatchers(req.GetMatchers())
	if err != nil {
		return nil, err
	}
	res := &incidentv1.PreviewSilenceResponse{Broad: matchers.Broad()}
	err = h.Alerts.ReadFiring(ctx, h.Now().Add(-previewTime), maxPreviewAlerts, func(a FiredAlert) {
		res.TotalCount++
		if !matchers.Match(a.Subject) {
			return
		}
		res.AlertCount++
		if len(res.Alerts) < maxPreviewShown {
			res.Alerts = append(res.Alerts, &incidentv1.SilencedAlert{
				Id: a.ID, Key: a.Key, Severity: a.Severity, Message: firstCharacters(a.Message, maxPreviewText), CreateTime: timeToWire(a.Time),
			})
		}
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// firstCharacters returns the begin of a text, at most n characters.
func firstCharacters(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
