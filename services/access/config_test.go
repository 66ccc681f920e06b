package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/access"
)

func TestAuditRetentionSetting(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{"90d": 90 * day, "1d": day, "36h": 36 * time.Hour, "forever": 0, "0": 0} {
		if got, err := (access.Config{KeepAudit: text}).AuditRetention(); err != nil || got != want {
			t.Errorf("--keep-audit=%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "12h", "0d", "-1d", "ninety", "36501d"} {
		if got, err := (access.Config{KeepAudit: text}).AuditRetention(); err == nil || !strings.Contains(err.Error(), "--keep-audit") {
			t.Errorf("--keep-audit=%s: %s, %v", text, got, err)
		}
	}
}
