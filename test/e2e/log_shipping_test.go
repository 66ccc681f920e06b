package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// logStore runs VictoriaLogs, a log store that speaks Elasticsearch's bulk API, and returns its
// URL. The test is skipped where `make victoria-logs` has not built it.
func logStore(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/victoria-logs")
	must(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Skip("skipped without bin/victoria-logs; build it by make victoria-logs")
	}
	addr := fmt.Sprintf("127.0.0.1:%d", proc.Port(t))
	p := proc.Start(t, exec.Command(path, "-httpListenAddr="+addr, "-storageDataPath="+t.TempDir(), "-loggerOutput=stderr"))
	p.Await(t, regexp.MustCompile(`started VictoriaLogs|pprof handlers are exposed`), 1)
	return "http://" + addr
}

// A shipper sends lines of a log file to Elasticsearch as Filebeat does with its configuration
// in deploy/.
type shipper struct {
	expandKeys bool
	index      string
}

// filebeat returns the shipper that deploy/filebeat/filebeat.yml describes.
func filebeat(t *testing.T) shipper {
	t.Helper()
	text, err := os.ReadFile("../../deploy/filebeat/filebeat.yml")
	must(t, err)
	var config struct {
		Inputs []struct {
			Type    string
			Parsers []struct {
				NDJSON struct {
					Target        *string `yaml:"target"`
					ExpandKeys    bool    `yaml:"expand_keys"`
					OverwriteKeys bool    `yaml:"overwrite_keys"`
				} `yaml:"ndjson"`
			}
		} `yaml:"filebeat.inputs"`
		Output struct{ Index string } `yaml:"output.elasticsearch"`
	}
	must(t, yaml.Unmarshal(text, &config))
	if len(config.Inputs) != 1 || config.Inputs[0].Type != "filestream" || len(config.Inputs[0].Parsers) != 1 {
		t.Fatalf("configuration of Filebeat: %+v", config)
	}
	parser := config.Inputs[0].Parsers[0].NDJSON
	if parser.Target == nil || *parser.Target != "" || !parser.OverwriteKeys {
		t.Errorf("fields of a line do not become those of the document: %+v", parser)
	}
	return shipper{parser.ExpandKeys, config.Output.Index}
}

// bulk returns a bulk request for the lines of a log file.
func (s shipper) bulk(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	var body bytes.Buffer
	for line := range strings.Lines(string(text)) {
		var fields map[string]any
		must(t, json.Unmarshal([]byte(line), &fields))
		if s.expandKeys {
			fields = expanded(t, fields)
		}
		document, err := json.Marshal(fields)
		must(t, err)
		fmt.Fprintf(&body, "{\"create\":{\"_index\":%q}}\n%s\n", s.index, document)
	}
	return body.Bytes()
}

// expanded returns fields with dots in their names as objects. It fails the test if a field is a
// value and an object, which Elasticsearch refuses.
func expanded(t *testing.T, fields map[string]any) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name, value := range fields {
		parts := strings.Split(name, ".")
		at := all
		for _, part := range parts[:len(parts)-1] {
			if _, ok := at[part]; !ok {
				at[part] = map[string]any{}
			}
			inner, ok := at[part].(map[string]any)
			if !ok {
				t.Fatalf("field %s is a value and an object in %v", part, fields)
			}
			at = inner
		}
		last := parts[len(parts)-1]
		if _, ok := at[last]; ok {
			t.Fatalf("field %s is there twice in %v", name, fields)
		}
		at[last] = value
	}
	return all
}

// A logLine is a line as the store returns it.
type logLine struct {
	Time    string `json:"_time"`
	Message string `json:"_msg"`
	TraceID string `json:"trace.id"`
	Level   string `json:"log.level"`
	Service string `json:"service.name"`
	Method  string `json:"rpc.method"`
	Status  string `json:"http.response.status_code"`
	Labels  string `json:"labels.delivery"`
}

// query returns the lines of a query in LogsQL.
func queryLogs(t *testing.T, store, query string) []logLine {
	t.Helper()
	status, answer := request(t, http.MethodGet, store+"/select/logsql/query?query="+url.QueryEscape(query), "")
	if status != http.StatusOK {
		t.Fatalf("query %s: %d %s", query, status, answer)
	}
	var lines []logLine
	decoder := json.NewDecoder(strings.NewReader(answer))
	for {
		var line logLine
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			return lines
		}
		must(t, err)
		lines = append(lines, line)
	}
}

var ecsListens = regexp.MustCompile(`"message":"listening"[^\n]*"labels.service":"(edge|mockup)","labels.addr":"([^"]+)"`)

// TestLogShipping sends the lines of a process to a log store as Filebeat does, and finds those of
// an alert by its trace id: of the request, and of the delivery that failed.
func TestLogShipping(t *testing.T) {
	store := logStore(t)
	process := binaries.Serve(t, append([]string{"--log-format=ecs", "--services=all,mockup", "--demo-data", "--data=" + t.TempDir()}, anywhere...)...)
	d := deployment{front: process}
	for _, found := range process.Await(t, ecsListens, 2) {
		if found[1] == "edge" {
			d.edge = "http://" + found[2]
		} else {
			d.mockup = "http://" + found[2]
		}
	}
	d.fault(t, &mockupv1.Fault{Status: http.StatusOK, Body: `{"ok":false,"error":"invalid_auth"}`})
	id := d.sendTraced(t)
	d.ended(t, id)
	process.Await(t, regexp.MustCompile(`provider refused a credential`), 1)
	must(t, process.Stop(t))
	path := filepath.Join(t.TempDir(), "bongsu.log")
	must(t, os.WriteFile(path, []byte(process.Log()), 0o600))

	body := filebeat(t).bulk(t, path)
	status, answer := requestAs(t, http.MethodPost, store+"/insert/elasticsearch/_bulk?_time_field=@timestamp&_msg_field=message&_stream_fields=service.name",
		"application/x-ndjson", string(body))
	if status != http.StatusOK || strings.Contains(answer, `"errors":true`) {
		t.Fatalf("bulk request: %d %s", status, answer)
	}
	if status, answer := request(t, http.MethodGet, store+"/internal/force_flush", ""); status != http.StatusOK {
		t.Fatalf("flush: %d %s", status, answer)
	}

	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	shipped := strings.Count(process.Log(), "\n")
	for len(queryLogs(t, store, "*")) < shipped {
		look(ctx, t)
	}
	byMessage := map[string]logLine{}
	for _, line := range queryLogs(t, store, `trace.id:=`+callerTrace) {
		if line.TraceID != callerTrace || line.Service != "bongsu" {
			t.Errorf("line %+v", line)
		}
		byMessage[line.Message] = line
	}
	if len(byMessage) != 2 {
		t.Errorf("lines of the trace: %+v", byMessage)
	}
	if line := byMessage["request"]; line.Method != "/bongsu.alert.v1.AlertService/SendAlert" || line.Status != "200" || line.Level != "info" {
		t.Errorf("line of the request: %+v", line)
	}
	if line := byMessage["provider refused a credential, its deliveries fail: correct it and replay them"]; line.Labels == "" || line.Level != "error" {
		t.Errorf("line of the delivery: %+v", line)
	}
}
