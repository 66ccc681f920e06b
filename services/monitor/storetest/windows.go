package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// window stores a maintenance window from at(start) to at(end).
func window(t testing.TB, s monitor.Store, start, end int) monitor.MaintenanceWindow {
	t.Helper()
	w, err := s.CreateWindow(t.Context(), monitor.MaintenanceWindow{
		Monitors: []string{"web", "db.*"}, Start: at(start), End: at(end), Reason: "upgrade", Author: "kim", CreateTime: now,
	}, now)
	kittest.NoError(t, err)
	return w
}

func testWindows(t *testing.T, s monitor.Store) {
	windows := func(after int) []monitor.MaintenanceWindow {
		t.Helper()
		found, err := s.ListWindows(t.Context(), at(after))
		kittest.NoError(t, err)
		return found
	}
	first, second := window(t, s, 10, 20), window(t, s, 5, 30)
	kittest.Equal(t, [2]any{first.Reason, second.ID > first.ID}, [2]any{"upgrade", true})
	kittest.Equal(t, windows(0), []monitor.MaintenanceWindow{second, first})
	kittest.Equal(t, windows(20), []monitor.MaintenanceWindow{second})
	kittest.NoError(t, s.EndWindow(t.Context(), second.ID, at(25)))
	second.End = at(25)
	kittest.Equal(t, windows(20), []monitor.MaintenanceWindow{second})
	kittest.NoError(t, s.EndWindow(t.Context(), second.ID, at(26))) // it has ended
	kittest.NoError(t, s.EndWindow(t.Context(), first.ID, at(5)))   // before it begins
	first.Start, first.End = at(5), at(5)
	kittest.Equal(t, windows(0), []monitor.MaintenanceWindow{second, first})
	kittest.Error(t, s.EndWindow(t.Context(), 99, at(5)), fault.ErrNotFound, "99")
}

func testTooManyWindows(t *testing.T, s monitor.Store) {
	for n := range monitor.MaxWindows - 4 {
		window(t, s, 1, 2+n)
	}
	window(t, s, -2, -1)
	refused := 0
	for _, err := range kittest.Concurrently(8, func(int) error {
		_, err := s.CreateWindow(t.Context(), monitor.MaintenanceWindow{Monitors: []string{"*"}, Start: now, End: at(1000), CreateTime: now}, now)
		return err
	}) {
		if err != nil {
			kittest.Error(t, err, fault.ErrExhausted, fmt.Sprint(monitor.MaxWindows))
			refused++
		}
	}
	kittest.Equal(t, refused, 4)
	found, err := s.ListWindows(t.Context(), now)
	kittest.NoError(t, err)
	kittest.Equal(t, len(found), monitor.MaxWindows)
	_, err = s.CreateWindow(t.Context(), monitor.MaintenanceWindow{Monitors: []string{"*"}, Start: at(3), End: at(4)}, at(2).Add(time.Second))
	kittest.NoError(t, err) // one has ended
}
