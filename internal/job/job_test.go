package job_test

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
)

func TestRankOf(t *testing.T) {
	for severity, want := range map[string]job.Rank{
		"critical": job.Critical, "Critical": job.Critical, "HIGH": job.High, "normal": job.Normal, "low": job.Low,
		"": job.Normal, "warning": job.Normal, "경고": job.Normal, "critical ": job.Critical,
		"page": job.Critical, "Disaster": job.Critical, "P1": job.Critical, "emergency": job.Critical, "SEV-1": job.Critical, "sev 2": job.High,
		"error": job.High, "ERR": job.High, "average": job.Normal, "Not classified": job.Low, "P2": job.High, "p3": job.Normal, "P4": job.Low, "p5": job.Low,
		"alert": job.Critical, "crit": job.Critical, "fatal": job.Critical, "info": job.Low, "debug": job.Low, "paging": job.Normal,
	} {
		if got := job.RankOf(severity); got != want {
			t.Errorf("%q ranks as %s", severity, got)
		}
	}
}

func TestSeverityMap(t *testing.T) {
	m, err := job.ParseSeverityMap([]string{"page=low", "Brown Out=HIGH", "critical = normal"})
	if err != nil {
		t.Fatal(err)
	}
	for severity, want := range map[string]job.Rank{
		"PAGE": job.Low, "brown-out": job.High, "critical": job.Normal, "error": job.High, "else": job.Normal, "": job.Normal, "low": job.Low,
	} {
		if got := m.Rank(severity); got != want {
			t.Errorf("%q ranks as %s, want %s", severity, got, want)
		}
	}
	for _, entry := range []string{"page", "=low", "page=", "page=urgent", " - =low"} {
		if _, err := job.ParseSeverityMap([]string{entry}); err == nil {
			t.Errorf("%q is a map", entry)
		}
	}
	if _, err := job.ParseSeverityMap([]string{"a=low", "A=high"}); err == nil {
		t.Error("a word has two ranks")
	}
}
