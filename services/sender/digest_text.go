package sender

import (
	"fmt"
	"strings"
)

// maxDigestLines is the maximum number of lines of alerts in the text of a digest.
const maxDigestLines = 10

// digestText returns the text of a digest: the number of alerts by severity, the first lines, and
// how many there are more. lines are those of alert.Alert.DigestLine, the most urgent first. A
// single one is the text.
func digestText(lines []string) string {
	if len(lines) == 1 {
		return lines[0]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d alerts: %s", len(lines), strings.Join(severityCounts(lines), ", "))
	for _, line := range lines[:min(len(lines), maxDigestLines)] {
		b.WriteString("\n" + line)
	}
	if more := len(lines) - maxDigestLines; more > 0 {
		fmt.Fprintf(&b, "\n… and %d more", more)
	}
	return b.String()
}

// severityCounts returns the number of lines of each severity, such as 3 high, in the order of
// their first lines, and at last that of resolved alerts.
func severityCounts(lines []string) []string {
	var names []string
	counts, resolved := map[string]int{}, 0
	for _, line := range lines {
		name, rest := splitSeverity(line)
		if isResolved(rest) {
			resolved++
			continue
		}
		if counts[name] == 0 {
			names = append(names, name)
		}
		counts[name]++
	}
	all := make([]string, 0, len(names)+1)
	for _, name := range names {
		all = append(all, fmt.Sprint(counts[name], " ", name))
	}
	if resolved > 0 {
		all = append(all, fmt.Sprint(resolved, " resolved"))
	}
	return all
}

// isResolved reports whether the line of an alert, after its severity, is of a resolved alert.
func isResolved(rest string) bool {
	const mark = "resolved: "
	return len(rest) >= len(mark) && strings.EqualFold(rest[:len(mark)], mark)
}

// severityOf returns the severity of a line.
func severityOf(line string) string {
	name, _ := splitSeverity(line)
	return name
}

// splitSeverity splits a line, "[severity] message".
func splitSeverity(line string) (severity, rest string) {
	severity, rest, _ = strings.Cut(strings.TrimPrefix(line, "["), "] ")
	return severity, rest
}
