package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	neisTimeout = 3 * time.Second
	neisMaxBody = 1 << 20
)

// NEIS is the timetable of the education office (https://open.neis.go.kr, hisTimetable).
type NEIS struct {
	URL            string // such as https://open.neis.go.kr
	Key            string // of the API; empty for a trial
	Office, School string // such as G10 and 7430310
	Client         *http.Client
}

var _ TimetableSource = NEIS{}

// A neisPage is a response: a table, or a result where there is none.
type neisPage struct {
	Timetable []struct {
		Row []struct {
			Period  string `json:"PERIO"`
			Subject string `json:"ITRT_CNTNT"`
		} `json:"row"`
	} `json:"hisTimetable"`
	Result struct {
		Code    string `json:"CODE"`
		Message string `json:"MESSAGE"`
	} `json:"RESULT"`
}

// noData is the code of the result for a day without lessons.
const noData = "INFO-200"

// Lessons implements TimetableSource.
func (n NEIS) Lessons(ctx context.Context, grade, class int, date string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, neisTimeout)
	defer cancel()
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil, err
	}
	query := url.Values{
		"Type": {"json"}, "pSize": {"100"}, "ATPT_OFCDC_SC_CODE": {n.Office}, "SD_SCHUL_CODE": {n.School},
		"GRADE": {strconv.Itoa(grade)}, "CLASS_NM": {strconv.Itoa(class)}, "ALL_TI_YMD": {day.Format("20060102")},
	}
	if n.Key != "" {
		query.Set("KEY", n.Key)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/hub/hisTimetable?"+query.Encode(), nil)
	if err != nil {
		return nil, errors.New("neis: the URL is not valid") // the text of err has the key
	}
	res, err := n.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("neis: %w", withoutURL(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("neis: status %d", res.StatusCode)
	}
	var page neisPage
	if err := json.NewDecoder(io.LimitReader(res.Body, neisMaxBody)).Decode(&page); err != nil {
		return nil, fmt.Errorf("neis: %w", err)
	}
	return page.lessons()
}

// withoutURL returns the cause of a failed request; the URL has the key.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// lessons returns the lessons of a page.
func (p neisPage) lessons() ([]string, error) {
	if p.Result.Code == noData {
		return nil, nil
	}
	if p.Timetable == nil {
		return nil, fmt.Errorf("neis: %s %s", p.Result.Code, p.Result.Message)
	}
	var lessons []string
	for _, part := range p.Timetable {
		for _, row := range part.Row {
			period, err := strconv.Atoi(row.Period)
			if err != nil || period < 1 || period > maxLessons {
				return nil, fmt.Errorf("neis: period %q", row.Period)
			}
			for len(lessons) < period {
				lessons = append(lessons, "")
			}
			lessons[period-1] = cut(row.Subject)
		}
	}
	return lessons, nil
}

// cut returns the first characters of the name of a subject.
func cut(subject string) string {
	if utf8.RuneCountInString(subject) <= maxSubject {
		return subject
	}
	return string([]rune(subject)[:maxSubject])
}
