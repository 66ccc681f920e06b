package web

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

const textUnavailable = "서비스에 지금 연결할 수 없습니다. 잠시 뒤에 다시 해 주세요."

// A problem is an error of the API for people.
type problem struct {
	status    int
	text      string            // of the whole request; empty if fields say it all
	fields    map[string]string // texts by field, as the API names it
	signedOut bool              // whether the credential was not accepted
}

// problemOf returns the problem of an error.
func problemOf(err error) problem {
	p := problem{fields: map[string]string{}}
	var reason, text string
	var delay time.Duration
	if e, ok := errors.AsType[*connect.Error](err); ok {
		text = e.Message()
		for _, d := range details(e) {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				reason = d.GetReason()
			case *errdetails.RetryInfo:
				delay = d.GetRetryDelay().AsDuration()
			case *errdetails.BadRequest:
				p.addFields(d)
			}
		}
	}
	p.status, p.text = generalText(connect.CodeOf(err), reason, delay)
	field, translated := translate(text)
	p.signedOut = connect.CodeOf(err) == connect.CodeUnauthenticated && reasonTexts[reason] == "" && translated == ""
	if translated != "" {
		if field != "" && p.fields[field] == "" {
			p.fields[field] = translated
		}
		p.text = translated
	}
	if len(p.fields) > 0 {
		p.text = ""
	}
	return p
}

// details returns the details of an error that are known.
func details(e *connect.Error) (all []proto.Message) {
	for _, d := range e.Details() {
		if m, err := d.Value(); err == nil {
			all = append(all, m)
		}
	}
	return all
}

// addFields adds the texts of fields. That of an element is that of its list.
func (p *problem) addFields(b *errdetails.BadRequest) {
	for _, v := range b.GetFieldViolations() {
		field, _, _ := strings.Cut(v.GetField(), "[")
		if p.fields[field] == "" {
			p.fields[field] = fieldText(field, v.GetReason(), v.GetDescription())
		}
	}
}

// fieldText returns the text for a field that breaks a rule of the schema or of a service.
func fieldText(field, rule, description string) string {
	if _, text := translate(description); text != "" {
		return text
	}
	if text := formatTexts[field]; text != "" && strings.HasPrefix(rule, "STRING_") {
		return text
	}
	for _, r := range ruleTexts {
		if strings.HasPrefix(rule, r.prefix) {
			return r.text
		}
	}
	return description
}

// formatTexts are the formats of fields.
var formatTexts = map[string]string{ //nolint:gosec // texts for people
	"id":       "영문 소문자로 시작하는 소문자, 숫자, 밑줄 4~16자입니다.",
	"password": "8~64자입니다.",
	"name":     "한글 2~4자입니다.",
	"phone":    "010으로 시작하는 숫자 11자리입니다.",
	"email":    "메일 주소가 아닙니다.",
	"children": "자녀의 아이디를 빈칸으로 나누어 적습니다.",
	"student":  "학생의 아이디가 아닙니다.",
}

// ruleTexts are the texts of rules, by the beginnings of their ids, the longer ones first.
var ruleTexts = []struct{ prefix, text string }{
	{"STRING_MIN_LEN", "적어 주세요."},
	{"STRING_MAX_LEN", "너무 깁니다."},
	{"STRING_", "형식이 맞지 않습니다."},
	{"INT32_", "정해진 범위의 수가 아닙니다."},
	{"ENUM_", "골라 주세요."},
	{"REPEATED_", "개수가 맞지 않거나 같은 것이 있습니다."},
	{"REQUIRED", "적어 주세요."},
	{"SIGN_UP_CLASS", "학생은 학년, 반, 번호가, 보호자는 자녀의 아이디가 있어야 합니다."},
}

// reasonTexts are the texts of reasons, which the services set.
var reasonTexts = map[string]string{
	"LINK_NOT_VALID":       "링크가 틀렸거나, 이미 쓰였거나, 기한이 지났습니다.",
	"RESET_CODE_NOT_VALID": "코드가 틀렸거나, 이미 쓰였거나, 기한이 지났습니다. 코드를 다시 받아 주세요.",
	"OUTING_STATE":         "외출의 상태가 그사이 바뀌어 할 수 없습니다.",
}

// generalText returns the status and the text for a code.
func generalText(code connect.Code, reason string, delay time.Duration) (status int, text string) {
	switch code {
	case connect.CodeInvalidArgument, connect.CodeOutOfRange:
		status, text = http.StatusUnprocessableEntity, "적은 내용을 확인해 주세요."
	case connect.CodeUnauthenticated:
		status, text = http.StatusUnauthorized, "다시 들어와 주세요."
	case connect.CodePermissionDenied:
		status, text = http.StatusForbidden, "이 일을 할 권한이 없습니다."
	case connect.CodeNotFound:
		status, text = http.StatusNotFound, "찾을 수 없습니다."
	case connect.CodeAlreadyExists:
		status, text = http.StatusConflict, "이미 있습니다."
	case connect.CodeFailedPrecondition, connect.CodeAborted:
		status, text = http.StatusConflict, "지금 상태에서는 할 수 없습니다."
	case connect.CodeResourceExhausted:
		status, text = http.StatusTooManyRequests, "요청이 너무 많습니다. 잠시 뒤에 다시 해 주세요."
		if delay > 0 {
			text = "요청이 너무 많습니다. " + delay.Round(time.Second).String() + " 뒤에 다시 해 주세요."
		}
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeCanceled, connect.CodeUnimplemented: // the edge does not know a service that starts
		status, text = http.StatusServiceUnavailable, textUnavailable
	default:
		status, text = http.StatusInternalServerError, "알 수 없는 문제가 생겼습니다. 다시 해 주세요."
	}
	if specific := reasonTexts[reason]; specific != "" {
		text = specific
	}
	return status, text
}

// apiTexts are the texts of services that name no field, or say more than a code does.
var apiTexts = []struct {
	pattern     *regexp.Regexp
	field, text string
}{
	{regexp.MustCompile(`^account (\S+) already exists$`), "id", "이미 있는 아이디입니다."},
	{regexp.MustCompile(`^another student has number`), "number", "그 번호의 학생이 이미 있습니다."},
	{regexp.MustCompile(`^class \S+ has a homeroom teacher$`), "class", "그 반에는 담임 선생님이 이미 있습니다."},
	{regexp.MustCompile(`^another account has the phone`), "phone", "다른 사람이 쓰는 번호입니다."},
	{regexp.MustCompile(`(\S+) is not the account of a student$`), "", "${1}은(는) 학생의 아이디가 아닙니다."},
	{regexp.MustCompile(`^the account or the password is wrong$`), "", "아이디 또는 비밀번호가 틀렸습니다."},
	{regexp.MustCompile(`^account \S+ waits for approval$`), "", "아직 가입 승인을 기다리고 있습니다."},
	{regexp.MustCompile(`is that of a teacher: the head teacher approves it$`), "", "선생님의 가입은 교감 선생님이 승인합니다."},
	{regexp.MustCompile(`^account \S+ is approved$`), "", "이미 승인된 가입입니다."},
	{regexp.MustCompile(`^\S+ has an outing on`), "", "오늘 신청한 외출이 이미 있습니다."},
	{regexp.MustCompile(`^the outing begins at (\S+)$`), "", "${1}부터 나갈 수 있습니다."},
	{regexp.MustCompile(`^the outing was over at (\S+)$`), "", "외출 시간이 ${1}에 끝났습니다."},
	{regexp.MustCompile(`^is past$`), "", "이미 지난 시각입니다."},
	{regexp.MustCompile(`^is not today$`), "", "오늘이 아닙니다."},
	{regexp.MustCompile(`^is not after start_time$`), "", "나가는 시각보다 늦어야 합니다."},
	{regexp.MustCompile(`^is before`), "", "시작하는 날보다 빠릅니다."},
	{regexp.MustCompile(`^is not a day,`), "", "날짜가 아닙니다."},
	{regexp.MustCompile(`^is more than \d+ days after from$`), "", "기간이 너무 깁니다."},
	{regexp.MustCompile(`is the head of the club$`), "", "부장은 뺄 수 없습니다."},
	{regexp.MustCompile(`^a recruitment of the club is open$`), "", "이미 모집하고 있습니다."},
	{regexp.MustCompile(`^grade, class and number are required for a student`), "", "학생은 학년, 반, 번호가, 보호자는 자녀의 아이디가 있어야 합니다."},
}

// translate returns the Korean text for an English one, and its field if the text names one; "" for an
// unknown text.
func translate(text string) (field, translated string) {
	for _, t := range apiTexts {
		if found := t.pattern.FindStringSubmatchIndex(text); found != nil {
			return t.field, string(t.pattern.ExpandString(nil, t.text, text, found))
		}
	}
	return "", ""
}
