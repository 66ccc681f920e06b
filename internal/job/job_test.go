package job_test

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
)

func TestRankOf(t *testing.T) {
	for severity, want := range map[string]job.Rank{
		"critical": job.Critical, "Critical": job.Critical, "HIGH": job.High, "normal": job.Normal, "low": job.Low,
		"": job.Normal, "warning": job.Normal, "경고": job.Normal, "critical ": job.Normal,
	} {
		if got := job.RankOf(severity); got != want {
			t.Errorf("%q ranks as %s", severity, got)
		}
	}
}
