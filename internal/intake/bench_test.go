package intake

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkAlertmanager16MiB parses the largest request: 10,000 alerts of 1.6 kB.
func BenchmarkAlertmanager16MiB(b *testing.B) {
	var alerts []string
	for i := range 10_000 {
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","fingerprint":"%d","labels":{"alertname":"a","instance":"node%d","n":%q},"annotations":{"summary":%q}}`,
			i, i, strings.Repeat("x", 500), strings.Repeat("y", 1000)))
	}
	body := []byte(`{"alerts":[` + strings.Join(alerts, ",") + `]}`)
	sources, err := ops.Sources()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if items, problem := sources["alertmanager"].Read(http.Header{}, body); problem != nil || len(items) != 10_000 {
			b.Fatal(problem, len(items))
		}
	}
}
