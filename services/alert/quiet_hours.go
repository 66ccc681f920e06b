package alert

import (
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/internal/quiethours"
)

// holdQuietHours holds back the deliveries of a firing alert to users in quiet hours until these
// end, unless the alert is urgent enough to get through. Each of ds is to the recipient with the
// same index. The time to live of a delivery begins when it is due. A failover chain is held back
// as a whole, if its first delivery can be held back.
func (h *Handler) holdQuietHours(a Alert, ds []Delivery, recipients []Recipient) {
	if a.Resolved || a.Acknowledged {
		return // it goes only to those who were notified
	}
	var hours *quiethours.Hours // of the last recipient
	var end time.Time
	var held bool
	for i := range ds {
		if recipients[i].QuietHours != hours {
			hours = recipients[i].QuietHours
			end, held = h.quietUntil(a, hours)
		}
		if !held || hours == nil || !h.canHold(&ds[i]) || ds[i].State != Queued {
			continue
		}
		h.holdBack(ds, i, HoldQuietHours, end, a.CreateTime)
		extendTimeToLive(ds, i, a.ExpireTime.Add(end.Sub(a.CreateTime)))
	}
}

// quietUntil returns when the quiet hours end that hold back an alert, and reports whether they
// do. Hours that cannot be parsed, such as those of a time zone that is unknown here, do not.
func (h *Handler) quietUntil(a Alert, hours *quiethours.Hours) (time.Time, bool) {
	if hours == nil {
		return time.Time{}, false
	}
	schedule, err := h.schedules.Schedule(hours)
	if err != nil {
		h.logger().Warn("quiet hours ignored", "time_zone", hours.TimeZone, "error", err)
		return time.Time{}, false
	}
	return schedule.HeldUntil(a.CreateTime, a.Rank())
}

// extendTimeToLive sets when the delivery at an index of ds, and the others of its failover chain,
// expire.
func extendTimeToLive(ds []Delivery, index int, expire time.Time) {
	ds[index].ExpireTime = expire
	if chain := ds[index].Chain; chain != 0 {
		for i := range ds {
			if ds[i].Chain == chain {
				ds[i].ExpireTime = expire
			}
		}
	}
}

// logger returns Log, or a logger that discards.
func (h *Handler) logger() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}
