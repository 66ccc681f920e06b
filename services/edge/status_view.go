package edge

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

//go:embed status_page.html
var statusPageText string

// statusPageTemplate renders a statusView.
var statusPageTemplate = template.Must(template.New("status_page").Parse(statusPageText))

// A statusView is the content of the page as text. Class is one of up, down, maintenance and
// unknown.
type statusView struct {
	Class        string
	Heading      string
	Error        string // in place of the monitors; empty for none
	Stale        bool
	Time         statusTime
	Groups       []statusGroup
	Maintenances []statusMaintenance
}

// A statusTime is a time for people, and for programs.
type statusTime struct{ Text, Machine string }

// A statusGroup is the monitors of a group.
type statusGroup struct {
	Name     string // empty for none
	Monitors []statusMonitor
}

// A statusMonitor is a monitor with a bar for each day.
type statusMonitor struct {
	Title  string
	Class  string
	State  string
	Since  statusTime
	Uptime string // empty for none
	Bars   statusBars
}

// statusBars are the bars of a monitor: an SVG image of the width. Bars of days without a failure
// are one path, those without results another one; the others have a text each.
type statusBars struct {
	Width    int
	Label    string
	Days     int
	Good     string
	Empty    string
	Failures []statusBar
}

// A statusBar is the bar of a day with failures.
type statusBar struct {
	Class        string
	X, Y, Height int
	Label        string
}

// A statusMaintenance is a maintenance window.
type statusMaintenance struct {
	Titles, Reason string
	Start, End     statusTime
	Open           bool
}

// renderStatusView returns the page of a view.
func renderStatusView(v statusView) ([]byte, error) {
	var page bytes.Buffer
	if err := statusPageTemplate.Execute(&page, v); err != nil {
		return nil, err
	}
	return page.Bytes(), nil
}

// newStatusView returns the view of a page.
func newStatusView(page *monitorv1.GetStatusPageResponse, stale bool) statusView {
	v := statusView{Stale: stale, Time: newStatusTime(page.GetTime())}
	v.Class, v.Heading = statusSummary(page.GetMonitors())
	for _, m := range page.GetMonitors() {
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Name != m.GetGroup() {
			v.Groups = append(v.Groups, statusGroup{Name: m.GetGroup()})
		}
		group := &v.Groups[len(v.Groups)-1]
		group.Monitors = append(group.Monitors, newStatusMonitor(m))
	}
	for _, m := range page.GetMaintenances() {
		v.Maintenances = append(v.Maintenances, statusMaintenance{
			Titles: strings.Join(m.GetTitles(), ", "), Reason: m.GetReason(), Start: newStatusTime(m.GetStartTime()), End: newStatusTime(m.GetEndTime()),
			Open: !m.GetStartTime().AsTime().After(page.GetTime().AsTime()),
		})
	}
	return v
}

// statusSummary returns the class and the heading of all monitors.
func statusSummary(monitors []*monitorv1.StatusPageMonitor) (class, heading string) {
	counts := map[monitorv1.StatusPageState]int{}
	for _, m := range monitors {
		counts[m.GetState()]++
	}
	down, maintenance := counts[monitorv1.StatusPageState_STATUS_PAGE_STATE_DOWN], counts[monitorv1.StatusPageState_STATUS_PAGE_STATE_MAINTENANCE]
	unknown := counts[monitorv1.StatusPageState_STATUS_PAGE_STATE_UNSPECIFIED]
	switch {
	case len(monitors) == 0:
		return "unknown", "No services are shown here"
	case down == len(monitors):
		return "down", "No service works"
	case down == 1:
		return "down", "1 service does not work"
	case down > 0:
		return "down", fmt.Sprintf("%d services do not work", down)
	case maintenance == len(monitors):
		return "maintenance", "All services are in maintenance"
	case maintenance > 0:
		return "maintenance", fmt.Sprintf("%d of %d services in maintenance", maintenance, len(monitors))
	case unknown > 0:
		return "unknown", fmt.Sprintf("The state of %d of %d services is not known", unknown, len(monitors))
	}
	return "up", "All services work"
}

// newStatusMonitor returns the view of a monitor.
func newStatusMonitor(m *monitorv1.StatusPageMonitor) statusMonitor {
	v := statusMonitor{Title: m.GetTitle(), Class: "unknown", State: "Not known", Since: newStatusTime(m.GetSince()), Bars: newStatusBars(m)}
	switch m.GetState() {
	case monitorv1.StatusPageState_STATUS_PAGE_STATE_UP:
		v.Class, v.State = "up", "Works"
	case monitorv1.StatusPageState_STATUS_PAGE_STATE_DOWN:
		v.Class, v.State = "down", "Does not work"
	case monitorv1.StatusPageState_STATUS_PAGE_STATE_MAINTENANCE:
		v.Class, v.State = "maintenance", "In maintenance"
	}
	if m.Uptime != nil {
		v.Uptime = uptimePercent(m.GetUptime())
	}
	return v
}

const (
	barStep   = 4 // the distance of two bars
	barWidth  = 3
	barHeight = 30
	// lowUptime is the uptime of a day below which its bar is that of an outage.
	lowUptime = 0.95
	// maxLabelDays is the number of days with failures that the label of the bars names.
	maxLabelDays = 5
)

// newStatusBars returns the bars of a monitor. The heights of bars say the same as their colors.
func newStatusBars(m *monitorv1.StatusPageMonitor) statusBars {
	days := m.GetDays()
	v := statusBars{Days: len(days), Width: len(days)*barStep - (barStep - barWidth)}
	var good, empty strings.Builder
	for i, day := range days {
		switch x := i * barStep; {
		case day.Uptime == nil:
			_, _ = fmt.Fprintf(&empty, "M%d %dh%dv%dh-%dz", x, barHeight-barHeight/6, barWidth, barHeight/6, barWidth)
		case day.GetUptime() >= 1:
			_, _ = fmt.Fprintf(&good, "M%d 0h%dv%dh-%dz", x, barWidth, barHeight, barWidth)
		default:
			bar := statusBar{Class: "partly", X: x, Height: barHeight * 2 / 3, Label: day.GetStartTime().AsTime().UTC().Format(time.DateOnly) + ": " + uptimePercent(day.GetUptime())}
			if day.GetUptime() < lowUptime {
				bar.Class, bar.Height = "down", barHeight/3
			}
			bar.Y = barHeight - bar.Height
			v.Failures = append(v.Failures, bar)
		}
	}
	v.Good, v.Empty, v.Label = good.String(), empty.String(), barsLabel(v.Days, v.Failures)
	return v
}

// barsLabel returns the text of bars for those who do not see them.
func barsLabel(days int, failures []statusBar) string {
	if len(failures) == 0 {
		return fmt.Sprintf("No day with failures in %d days", days)
	}
	shown := failures[max(0, len(failures)-maxLabelDays):]
	labels := make([]string, len(shown))
	for i, bar := range shown {
		labels[i] = bar.Label
	}
	text := fmt.Sprintf("Days with failures in %d days: ", days)
	if more := len(failures) - len(shown); more > 0 {
		text += fmt.Sprintf("%d, of which the last are ", len(failures))
	}
	return text + strings.Join(labels, ", ")
}

// uptimePercent returns an uptime in percent, rounded down: only one without a failure is 100%.
func uptimePercent(uptime float64) string {
	const parts = 100 // of a percent
	return strconv.FormatFloat(math.Floor(uptime*100*parts+1e-6)/parts, 'f', -1, 64) + "%"
}

// newStatusTime returns a time in UTC; zero for none.
func newStatusTime(t *timestamppb.Timestamp) statusTime {
	if t == nil {
		return statusTime{}
	}
	at := t.AsTime().UTC()
	return statusTime{Text: at.Format("2006-01-02 15:04 UTC"), Machine: at.Format(time.RFC3339)}
}
