package judge

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/bongsu-project/bongsu/internal/messenger/all"
)

// specs holds the specs of the messengers.
var specs = all.Specs()

// A Route is how some of the users are notified: the address of a user by a messenger, and
// the form of the calls to its provider's fake. No two users share a destination.
type Route struct {
	Messenger   string
	Credential  func(user int) string
	Destination func(user int) string

	path *regexp.Regexp // of the calls; its group names the user if the body does not
	text callParser
}

// Routes returns a route of every messenger.
func Routes() []Route { return append([]Route(nil), routes...) }

var routes = []Route{
	{"slack", named("USER%d-TOKEN"), label, regexp.MustCompile(`^/api/chat\.postMessage$`), inJSON("channel", "text")},
	{"slackhook", named("https://hooks.slack.com/services/T1/B1/USER%d"), label, regexp.MustCompile(`^/services/T1/B1/USER(\d+)$`), inJSON("", "text")},
	{"discord", named("https://discord.com/api/webhooks/1234567890%08d/secret-token_of-a-webhook"), label, regexp.MustCompile(`^/api/v10/webhooks/1234567890(\d+)/secret-token_of-a-webhook$`), inJSON("", "content")},
	{"discordbot", named("secret.bot.%d"), named("3234567890%08d"), regexp.MustCompile(`^/api/v10/channels/3234567890(\d+)/messages$`), inJSON("", "content")},
	{"teams", named("https://prod-1.example.logic.azure.com/workflows/%d/triggers/manual/paths/invoke?api-version=2016-06-01&sp=run&sv=1.0&sig=secret"), label, regexp.MustCompile(`^/workflows/(\d+)/`), inCard},
	{"twilio", named("ACUSER%d:secret:+15005550006"), named("+8210%08d"), regexp.MustCompile(`^/2010-04-01/Accounts/ACUSER\d+/Messages\.json$`), inForm("To", "Body")},
	{"sns", named("AKIAUSER%d:secret:ap-northeast-2"), named("+8211%08d"), regexp.MustCompile(`^/$`), inForm("PhoneNumber", "Message")},
	{"pagerduty", named("%032d"), label, regexp.MustCompile(`^/v2/enqueue$`), inEvent},
	{"ntfy", named("https://ntfy.example.com#tk_user%d"), label, regexp.MustCompile(`^/USER(\d+)_CHANNEL_ID$`), inBody},
	{"webhook", named("https://example.com/hook/%d"), label, regexp.MustCompile(`^/hook/(\d+)$`), inJSON("", "data", "text")},
	{"email", named("smtp://user%d:secret@relay.example.com:587?from=bongsu@example.com"), named("user%d@example.com"), regexp.MustCompile(`^user(\d+)@example\.com$`), inMail},
	{"mattermost", named("https://mattermost.example.com/hooks/USER%d"), label, regexp.MustCompile(`^/hooks/USER(\d+)$`), inMarkdown},
	{"rocketchat", named("https://chat.example.com/hooks/ROCKET%d/secret"), label, regexp.MustCompile(`^/hooks/ROCKET(\d+)/secret$`), inMarkdown},
	{"googlechat", named("https://chat.googleapis.com/v1/spaces/USER%d/messages?key=secret&token=secret"), label, regexp.MustCompile(`^/v1/spaces/USER(\d+)/messages$`), inJSON("", "text")},
	{"ncpsens", sensCredential, named("+8210%08d"), regexp.MustCompile(`^/alimtalk/v2/services/ncp:kkobizmsg:kr:1:USER(\d+)/messages$`), inAlimTalk},
	{"httpx", named(`{"url":"https://api.example.com/hooks/HTTPX%d","headers":{"Authorization":"Bearer secret"},"body":"{\"text\":{{json .Text}}}","success":{"body":"ok"}}`), label, regexp.MustCompile(`^/hooks/HTTPX(\d+)$`), inJSON("", "text")},
	{"telegram", named("%d:secret"), named("-100%010d"), regexp.MustCompile(`^/bot\d+:secret/sendMessage$`), inJSON("chat_id", "text")},
}

// sensCredential returns the credential of a user at the fake of NCP SENS, where a secret
// key is the access key backwards.
func sensCredential(user int) string {
	access := []byte(fmt.Sprintf("KEY%d", user))
	secret := slices.Clone(access)
	slices.Reverse(secret)
	return fmt.Sprintf(`{"access_key":%q,"secret_key":%q,"service":"ncp:kkobizmsg:kr:1:USER%d","channel":"@shop","template":"alarm"}`, access, secret, user)
}

// named returns a function that formats the number of a user.
func named(format string) func(user int) string {
	return func(user int) string { return fmt.Sprintf(format, user) }
}

// label returns a destination that is a display name, or that may be any name.
func label(user int) string { return fmt.Sprintf("USER%d_CHANNEL_ID", user) }
