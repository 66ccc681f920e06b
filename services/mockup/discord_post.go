package mockup

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"unicode/utf8"
)

// snowflake matches a Discord id.
var snowflake = regexp.MustCompile(`^[0-9]{15,20}$`)

// A discordPost is the part of a request that the fake validates.
type discordPost struct {
	Content      string         `json:"content"`
	Embeds       []discordEmbed `json:"embeds"`
	Nonce        string         `json:"nonce"`
	EnforceNonce bool           `json:"enforce_nonce"`
	Reference    struct {
		MessageID       string `json:"message_id"`
		FailIfNotExists *bool  `json:"fail_if_not_exists"`
	} `json:"message_reference"`
}

type discordEmbed struct {
	Title       string         `json:"title,omitempty"`
	URL         string         `json:"url,omitempty"`
	Description string         `json:"description,omitempty"`
	Timestamp   string         `json:"timestamp,omitempty"`
	Fields      []discordField `json:"fields,omitempty"`
}

type discordField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// readDiscordPost decodes and validates a message, or returns Discord's error for it.
func readDiscordPost(r *http.Request, body []byte) (post discordPost, refusal response, refused bool) {
	if form, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); form != "application/json" {
		return post, discordInvalid("_errors", "CONTENT_TYPE_INVALID", "Expected \"Content-Type\" header to be one of application/json"), true
	}
	if len(body) > maxBody {
		return post, discordError(http.StatusRequestEntityTooLarge, 40005, "Request entity too large"), true
	}
	if !json.Valid(body) {
		return post, discordError(http.StatusBadRequest, 50109, "The request body contains invalid JSON."), true
	}
	if json.Unmarshal(body, &post) != nil {
		return post, discordInvalid("content", "BASE_TYPE_BAD_TYPE", "a field has another type"), true
	}
	if post.Content == "" && len(post.Embeds) == 0 {
		return post, discordError(http.StatusBadRequest, 50006, "Cannot send an empty message"), true
	}
	if field, limit := post.tooLong(); field != "" {
		return post, discordInvalid(field, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", limit)), true
	}
	for _, e := range post.Embeds {
		if e.Title == "" && e.Description == "" && len(e.Fields) == 0 {
			return post, discordInvalid("embeds", "BASE_TYPE_REQUIRED", "This field is required"), true
		}
		for _, f := range e.Fields {
			if f.Name == "" || f.Value == "" {
				return post, discordInvalid("embeds", "BASE_TYPE_REQUIRED", "This field is required"), true
			}
		}
	}
	return post, response{}, false
}

// tooLong returns the first field that exceeds Discord's limits, and its limit.
func (p discordPost) tooLong() (field string, limit int) {
	type part struct {
		field string
		size  int
		limit int
	}
	parts := []part{{"content", utf8.RuneCountInString(p.Content), 2000}, {"nonce", len(p.Nonce), 25}, {"embeds", len(p.Embeds), 10}}
	sum := 0
	for _, e := range p.Embeds {
		own := []part{
			{"embeds.title", utf8.RuneCountInString(e.Title), 256},
			{"embeds.description", utf8.RuneCountInString(e.Description), 4096},
		}
		for _, f := range e.Fields {
			own = append(own, part{"embeds.fields.name", utf8.RuneCountInString(f.Name), 256}, part{"embeds.fields.value", utf8.RuneCountInString(f.Value), 1024})
		}
		for _, o := range own {
			sum += o.size
		}
		parts = append(append(parts, own...), part{"embeds.fields", len(e.Fields), 25}, part{"embeds.url", len(e.URL), 2048})
	}
	for _, o := range append(parts, part{"embeds", sum, 6000}) {
		if o.size > o.limit {
			return o.field, o.limit
		}
	}
	return "", 0
}

func discordError(status, code int, message string) response {
	return jsonResponse(status, map[string]any{"message": message, "code": code})
}

// discordInvalid returns an error for an invalid form, as version 10 formats it.
func discordInvalid(field, code, message string) response {
	return jsonResponse(http.StatusBadRequest, map[string]any{
		"message": "Invalid Form Body", "code": 50035,
		"errors": map[string]any{field: map[string]any{"_errors": []any{map[string]any{"code": code, "message": message}}}},
	})
}
