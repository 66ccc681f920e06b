package quiethours_test

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// TestCache checks that equal hours are parsed once, and others by themselves.
func TestCache(t *testing.T) {
	var c quiethours.Cache
	schedule := func(h quiethours.Hours) *quiethours.Schedule {
		t.Helper()
		s, err := c.Schedule(&h)
		kittest.NoError(t, err)
		return s
	}
	first := schedule(hours("Asia/Seoul", on("sunday")))
	kittest.Equal(t, schedule(hours("Asia/Seoul", on("sunday"))) == first, true)
	kittest.Equal(t, schedule(hours("UTC", on("sunday"))) == first, false)
	bad := hours("Asia/Atlantis", on("sunday"))
	for range 2 {
		kittest.Error(t, kittest.ErrorOf(c.Schedule(&bad)), fault.ErrInvalid, "time_zone")
	}
}
