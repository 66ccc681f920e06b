package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/bench/figure"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

const (
	// inboxReaders is the number of readers of the scenario inbox.
	inboxReaders = 20_000
	// otherFiles is how many files a process has open beside connections, at most.
	otherFiles = 1000
	// inboxAlerts is the number of alerts to all readers.
	inboxAlerts = 3
)

// inbox measures connected readers of inboxes, one for each user: the memory of a connection, and
// the time from sending an alert to all of them until the last one has its event. Beside it, a
// bare fan-out by net/http sends an event of the same size to as many readers. Readers beyond the
// limit of open files share HTTP/2 connections.
func inbox(s *scene) {
	readers, own := inboxReaders, inboxReaders
	if most := maxOpenFiles() - otherFiles; most < own {
		own = most / 1000 * 1000
		s.note(fmt.Sprintf("%d of %d readers of inbox shared HTTP/2 connections, because of the limit of open files", readers-own, readers))
	}
	bareMemory, bareLast := s.bareFanout(readers, own)

	b := s.serve(s.files(), fmt.Sprintf("--max-streams=%d", 2*readers), fmt.Sprintf("--max-streams-per-caller=%d", 2*readers), fmt.Sprintf("--max-connections=%d", own+otherFiles/2))
	s.settleInboxes(b.asAdmin(), readers)
	idle, _ := s.memory(b)
	connected := s.openStreams(b.asAdmin(), readers, own, func(n int) string { return "/v1/inbox/stream?nickName=" + user(n) })
	now, _ := s.memory(b)
	send := sendByConnect(b.endpoint, 1, audience{readers, func(int) string { return "@@" + group(readers, 0) }})
	var last []float64
	for n := range inboxAlerts {
		start := time.Now()
		s.must(send(s.ctx, n))
		last = append(last, milliseconds(connected.next(s).Sub(start)))
	}
	connected.close()
	s.recorded(b)

	add := func(what, unit string, value, bare float64) {
		s.add(figure.Figure{Name: "inbox/bare/" + what, Unit: unit, Value: bare})
		s.add(figure.Figure{Name: "inbox/" + what, Unit: unit, Value: value, Of: "inbox/bare/" + what, Whole: bare, Note: strconv.Itoa(readers) + " readers"})
	}
	add("memory", "KiB per reader", (now-idle)*1024/float64(readers), bareMemory)
	add("last", "ms", figure.Median(last), figure.Median(bareLast))
	b.Kill()
}

// bareFanout measures the bare fan-out: the memory of a connection in KiB, and the times until the
// last reader has an event.
func (s *scene) bareFanout(readers, own int) (memory float64, last []float64) {
	p := s.part("events")
	bare := &bongsu{Process: p, endpoint: endpoint{url: p.URLs(s, 1)["events"]}}
	idle, _ := s.memory(bare)
	connected := s.openStreams(bare.endpoint, readers, own, func(int) string { return "/stream" })
	now, _ := s.memory(bare)
	client := newHTTPClient(1)
	for range inboxAlerts {
		start := time.Now()
		res, err := client.Post(bare.url+"/events", "application/json", strings.NewReader(bareEvent))
		s.must(err)
		s.must(res.Body.Close())
		if res.StatusCode != http.StatusOK {
			s.Fatalf("the bare fan-out returned %s", res.Status)
		}
		last = append(last, milliseconds(connected.next(s).Sub(start)))
	}
	connected.close()
	bare.Kill()
	return (now - idle) * 1024 / float64(readers), last
}

// settleInboxes imports users who are notified in their inboxes, and a group of them all.
func (s *scene) settleInboxes(at endpoint, count int) {
	req := &userv1.ImportDirectoryRequest{}
	everybody := &userv1.TransferGroup{GroupName: group(count, 0)}
	for n := range count {
		req.Users = append(req.Users, &userv1.TransferUser{NickName: user(n), Addresses: []*userv1.TransferAddress{{Messenger: "inbox"}}})
		everybody.Members = append(everybody.Members, user(n))
	}
	req.Groups = append(req.Groups, everybody)
	_, err := userv1connect.NewTransferServiceClient(newHTTPClient(1), at.url, at.options()).ImportDirectory(s.ctx, req)
	s.must(err)
}

// bareEvent is the data of an event, in the size of an item of an inbox.
var bareEvent = `{"id":"1","alertId":"227894805024210944","severity":"normal","title":"","text":"[normal] ` + fake.Text(1) +
	`","link":"","createTime":"2026-01-02T03:04:05.123456Z","storeTime":"2026-01-02T03:04:05.234567Z","archived":false,"key":"","resolved":false}`
