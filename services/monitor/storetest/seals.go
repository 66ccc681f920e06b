package storetest

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// sealedMonitor returns a new monitor with a header that is sealed under each of some keys.
func sealedMonitor(name string, keys ...seal.KeyID) monitor.Monitor {
	headers := ""
	for i, key := range keys {
		secret := base64.StdEncoding.EncodeToString(append(key.Prefix(), "rest"...))
		headers += fmt.Sprintf(`,{"name":"X-%d","value":%q}`, i, secret)
	}
	m := httpMonitor(name)
	m.Settings.Check = decode(probe.KindHTTP, `{"url":"https://example.com/","headers":[{"name":"X-Empty"}`+headers+`]}`)
	return m
}

// testCountBySealKey checks that a monitor is counted once for each seal key of its secrets, and not
// after they were replaced or it was deleted.
func testCountBySealKey(t *testing.T, s monitor.Store) {
	want := func(want ...monitor.SealCount) {
		t.Helper()
		seals, err := monitor.CountBySealKey(t.Context(), s)
		kittest.NoError(t, err)
		kittest.Equal(t, seals, want)
	}
	create(t, s, httpMonitor("plain"))
	want()
	create(t, s, sealedMonitor("both", 7, 9, 7))
	create(t, s, sealedMonitor("new", 9))
	create(t, s, sealedMonitor("old", 7))
	for i := range 600 { // more than a page
		create(t, s, sealedMonitor(fmt.Sprintf("many-%03d", i), 1))
	}
	want(monitor.SealCount{Key: 1, Count: 600}, monitor.SealCount{Key: 7, Count: 2}, monitor.SealCount{Key: 9, Count: 2})
	set(t, s, "both", 1, func(settings *monitor.Settings) { settings.Check = sealedMonitor("both", 9).Settings.Check })
	kittest.NoError(t, s.Delete(t.Context(), "old", at(2)))
	want(monitor.SealCount{Key: 1, Count: 600}, monitor.SealCount{Key: 9, Count: 2})
}
