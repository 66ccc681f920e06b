package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	announcementv1 "github.com/bongsu-project/bongsu/gen/go/school/announcement/v1"
	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
)

//go:embed templates static
var files embed.FS

// assets serves the style sheet, the script and the icon. Their URLs have a version, and are kept.
var assets = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("v") == assetsVersion {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.FileServerFS(files).ServeHTTP(w, r)
})

// assetsVersion is a hash of the files of assets.
var assetsVersion = func() string {
	sum := sha256.New()
	err := fs.WalkDir(files, "static", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		sum.Write(text)
		return err
	})
	if err != nil {
		panic(err) // the files are embedded
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}()

// templates are the templates of pages, by name. Each has the layout and the parts of all.
var templates = func() map[string]*template.Template {
	all := map[string]*template.Template{}
	pages, err := fs.Glob(files, "templates/page_*.html")
	if err != nil {
		panic(err)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(strings.TrimPrefix(page, "templates/page_"), ".html")
		all[name] = template.Must(template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html", page))
	}
	return all
}()

var functions = template.FuncMap{
	"input":   input,
	"choice":  choice,
	"asset":   func(name string) string { return "/static/" + name + "?v=" + assetsVersion },
	"moment":  func(t *timestamppb.Timestamp) string { return t.AsTime().In(seoul.Zone).Format("2006-01-02 15:04") },
	"clock":   func(t *timestamppb.Timestamp) string { return t.AsTime().In(seoul.Zone).Format("15:04") },
	"instant": func(t *timestamppb.Timestamp) string { return t.AsTime().UTC().Format(time.RFC3339) },
	"state":   func(s fmt.Stringer) string { return stateTexts[s.String()] },
	"slug":    func(s fmt.Stringer) string { return strings.ToLower(strings.TrimPrefix(s.String(), "OUTING_STATE_")) },
	"role":    func(r authv1.Role) string { return roleTexts[r] },
	"targets": targets,
	"seq": func(from, to int) (all []int) {
		for i := from; i <= to; i++ {
			all = append(all, i)
		}
		return all
	},
	"period": func(index int) int { return index + 1 },
	"text":   func(v any) string { return fmt.Sprint(v) },
}

// targets returns whom an announcement is for.
func targets(a *announcementv1.Announcement) string {
	if len(a.GetGrades()) == 0 && len(a.GetClasses()) == 0 {
		return "전체"
	}
	var parts []string
	for _, g := range a.GetGrades() {
		parts = append(parts, fmt.Sprintf("%d학년", g))
	}
	for _, c := range a.GetClasses() {
		parts = append(parts, fmt.Sprintf("%d반", c))
	}
	return strings.Join(parts, " ")
}

// A Layout is what a page shows around its content.
type Layout struct {
	Title         string
	Account       *authv1.Account // nil without sign-in
	Notice        string          // shown once; empty for none
	Entries       []Entry         // of the navigation
	Unread        int32           // items of the inbox
	Announcements int32           // unread ones
	Body          any
}

// An Entry is an entry of the navigation.
type Entry struct {
	Path, Label string
	Here        bool
}

// show writes a page. A page of an account has its navigation and the numbers of unread items.
func (v *visit) show(status int, name, title string, body any) {
	l := Layout{Title: title, Body: body}
	if v.session != nil {
		l.Account, l.Notice, l.Entries = v.session.account, v.session.takeNotice(), v.entries()
		l.Unread, l.Announcements = v.unread()
	}
	var page bytes.Buffer
	if err := templates[name].Execute(&page, l); err != nil {
		v.pages.log.ErrorContext(v.ctx(), "page failed", "page", name, "error", err)
		http.Error(v.w, "internal error", http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(page.Bytes()) // a write error means that the person has gone
}

// page shows a page that is well.
func (v *visit) page(name, title string, body any) error {
	v.show(http.StatusOK, name, title, body)
	return nil
}

// unreadTimeout is how long a page waits for the numbers of unread items.
const unreadTimeout = 2 * time.Second

// unread returns the numbers of unread items and announcements. They are 0 where they cannot be read: the
// page is shown all the same.
func (v *visit) unread() (items, announcements int32) {
	ctx, cancel := context.WithTimeout(v.ctx(), unreadTimeout)
	defer cancel()
	if res, err := v.api.inbox.CountUnread(ctx, &inboxv1.CountUnreadRequest{}); err == nil {
		items = res.GetCount()
	}
	if res, err := v.api.announcement.CountUnread(ctx, &announcementv1.CountUnreadRequest{}); err == nil {
		announcements = res.GetUnread()
	}
	return items, announcements
}

// entries returns the navigation of the person.
func (v *visit) entries() []Entry {
	all := []Entry{
		{"/outings", "외출", false}, {"/timetable", "시간표", false}, {"/calendar", "학사일정", false},
		{"/announcements", "공지", false}, {"/clubs", "동아리", false}, {"/recruitments", "부원 모집", false},
	}
	if v.isTeacher() {
		all = append(all, Entry{"/accounts", "가입 승인", false})
	}
	for i := range all {
		all[i].Here = v.r.URL.Path == all[i].Path || strings.HasPrefix(v.r.URL.Path, all[i].Path+"/")
	}
	return all
}

// A List is a list of which a page is shown.
type List struct {
	Query   string
	Next    string // the path of the next page; empty on the last
	First   string // the path of the first page; empty on it
	Filters *Form
}

const listSize = 20

// list returns the list of a page that the query of the request names.
func (v *visit) list(next string) List {
	query := v.r.URL.Query()
	l := List{Query: query.Get("q"), Filters: v.filters()}
	at := func(token string) string {
		values := url.Values{}
		for name, all := range query {
			if name != "page" && all[0] != "" {
				values[name] = all
			}
		}
		if token != "" {
			values.Set("page", token)
		}
		if len(values) == 0 {
			return v.r.URL.Path
		}
		return v.r.URL.Path + "?" + values.Encode()
	}
	if next != "" {
		l.Next = at(next)
	}
	if query.Get("page") != "" {
		l.First = at("")
	}
	return l
}

// filters returns the parameters of the list as a form.
func (v *visit) filters() *Form {
	return &Form{values: v.r.URL.Query(), Errors: map[string]string{}}
}

// query returns a parameter of the list.
func (v *visit) query(name string) string { return v.r.URL.Query().Get(name) }
