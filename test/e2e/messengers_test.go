package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

// everyMessenger has an address of each messenger, and the expected call to its
// provider's fake.
var everyMessenger = []struct {
	messenger, credential, destination string
	path, header, body                 string // of the call; header and body are parts of it
	messageID                          bool   // the provider returns a message id
}{
	{
		"discord", "https://discord.com/api/webhooks/123456789012345678/secret-token_of-a-webhook", "#ops",
		"/api/v10/webhooks/123456789012345678/secret-token_of-a-webhook", "DiscordBot (", `"content":"[high] node1 down"`, true,
	},
	{
		"discordbot", "secret.bot.token", "323456789012345678",
		"/api/v10/channels/323456789012345678/messages", "Bot secret.bot.token", `"enforce_nonce":true`, true,
	},
	{
		"googlechat", "https://chat.googleapis.com/v1/spaces/AAAAabcd/messages?key=secret&token=secret-token", "Operations",
		"/v1/spaces/AAAAabcd/messages", "charset=UTF-8", `{"text":"[high] node1 down"}`, true,
	},
	{
		"httpx", `{"url":"https://api.example.com/hooks/secretid","headers":{"Authorization":"Bearer {{.Param.token}}"},"body":"{\"text\":{{json .Text}},\"to\":{{json .Destination}}}","params":{"token":"secret-token"}}`, "room1",
		"/hooks/secretid", "Bearer secret-token", `{"text":"[high] node1 down","to":"room1"}`, false,
	},
	{
		"mattermost", "https://mattermost.example.com/hooks/secretsecret", "#ops",
		"/hooks/secretsecret", "application/json", `{"text":"[high] node1 down"}`, false,
	},
	{
		"ncpsens", `{"access_key":"terces43210","secret_key":"01234secret","service":"ncp:kkobizmsg:kr:123:shop","channel":"@shop","template":"alarm01"}`, "+821012345678",
		"/alimtalk/v2/services/ncp:kkobizmsg:kr:123:shop/messages", "terces43210", `"to":"01012345678","content":"[high] node1 down"`, true,
	},
	{
		"rocketchat", "https://chat.example.com/hooks/68a1b2c3/secretsecret", "#ops",
		"/hooks/68a1b2c3/secretsecret", "application/json", `{"text":"[high] node1 down"}`, false,
	},
	{
		"ntfy", "https://ntfy.example.com#tk_secret", "alerts",
		"/alerts", "Bearer tk_secret", "[high] node1 down", true,
	},
	{
		"pagerduty", "secret7890abcdefsecret7890abcdef", "shop",
		"/v2/enqueue", "application/json", `"summary":"[high] node1 down","source":"shop"`, true,
	},
	{
		"email", "smtp://bongsu:secret@relay.example.com:587?from=bongsu@example.com", "ops@example.com",
		"ops@example.com", "bongsu:secret", "\n[high] node1 down", true,
	},
	{
		"slack", "xoxb-secret", "C0123456789",
		"/api/chat.postMessage", "Bearer xoxb-secret", `{"channel":"C0123456789","text":"[high] node1 down"}`, true,
	},
	{
		"slackhook", "https://hooks.slack.com/services/T00000000/B00000000/secretsecretsecretsecret", "",
		"/services/T00000000/B00000000/secretsecretsecretsecret", "application/json", `{"text":"[high] node1 down"}`, false,
	},
	{
		"teams", "https://prod-1.example.logic.azure.com/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=secret", "Operations",
		"/workflows/0123456789abcdef/triggers/manual/paths/invoke", "application/json", `"text":"[high] node1 down"`, true,
	},
	{
		"telegram", "123456789:secret-token_of_a-bot", "-1001234567890",
		"/bot123456789:secret-token_of_a-bot/sendMessage", "application/json", `{"chat_id":-1001234567890,"text":"[high] node1 down"}`, true,
	},
	{
		"webhook", "https://example.com/hook/secret?key=secret#whsec_secretsecretsecretsecretsecretse", "ticket system",
		"/hook/secret", "v1,", `"text":"[high] node1 down"`, false,
	},
	{
		"sns", "AKIAEXAMPLE:secret/+secret:ap-northeast-2", "+821012345678",
		"/", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/", "Message=%5Bhigh%5D+node1+down", true,
	},
	{
		"twilio", "AC0123456789abcdef:secret:+15005550006", "+821012345678",
		"/2010-04-01/Accounts/AC0123456789abcdef/Messages.json", "Basic QUMwMTIzNDU2Nzg5YWJjZGVmOnNlY3JldA==", "Body=%5Bhigh%5D+node1+down&From=%2B15005550006&To=%2B821012345678", true,
	},
}

// TestEveryMessenger notifies one user by every messenger: the provider of each is
// called once, and each delivery is sent, with evidence and without a secret.
func TestEveryMessenger(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		kim := &userv1.CreateUserRequest{NickName: "kim"}
		for _, m := range everyMessenger {
			kim.Addresses = append(kim.Addresses, &userv1.NewAddress{Messenger: m.messenger, Credential: m.credential, Destination: m.destination})
		}
		users := userv1connect.NewUserServiceClient(http.DefaultClient, d.edge)
		_, err := users.CreateUser(t.Context(), kim)
		must(t, err)
		_, answer := request(t, http.MethodGet, d.edge+"/v1/messengers", "")
		if known := strings.Count(answer, `"name":`); known != len(everyMessenger)+1 { // the inbox calls no provider
			t.Errorf("%d messengers in the table, of %d: %s", len(everyMessenger), known, answer)
		}

		id := d.send(t, `{"target":["@kim"],"severity":"high","message":"node1 down"}`).ID
		deliveries, calls := d.ended(t, id), d.calls(t)
		if len(deliveries) != len(everyMessenger) || len(calls) != len(everyMessenger) {
			t.Errorf("%d deliveries, %d calls", len(deliveries), len(calls))
		}
		allSent(t, deliveries)
		for _, m := range everyMessenger {
			of := slices.IndexFunc(deliveries, func(d *alertv1.Delivery) bool { return d.GetMessenger() == m.messenger })
			if of < 0 || len(deliveries[of].GetAttempts()) != 1 {
				t.Errorf("%s: %v", m.messenger, deliveries)
				continue
			}
			o := deliveries[of].GetAttempts()[0].GetOutcome()
			if (o.GetProviderMessageId() != "") != m.messageID || o.GetExcerpt() == "" || strings.Contains(o.String(), "secret") {
				t.Errorf("%s: evidence %v", m.messenger, o)
			}
			if !slices.ContainsFunc(calls, func(c *mockupv1.Call) bool {
				return c.GetPath() == m.path && strings.Contains(c.GetBody(), m.body) && strings.Contains(strings.Join(values(c.GetHeaders()), "\n"), m.header)
			}) {
				t.Errorf("%s: unexpected calls of its provider: %v", m.messenger, calls)
			}
		}
	})
}

// TestNoSecretIsWritten lets the providers echo the credentials of their calls in
// responses of each kind, and searches for them in all responses, logs and files.
func TestNoSecretIsWritten(t *testing.T) {
	data := t.TempDir()
	fakes := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0", "--mockup-smtp-addr=127.0.0.1:0")
	mockup := fakes.URLs(t, 1)["mockup"]
	config := filepath.Join(t.TempDir(), "messengers.yaml")
	must(t, os.WriteFile(config, []byte("email: {url: smtp://"+fakes.MailAddr(t)+"}\n"), 0o600))
	p := binaries.Serve(t, "--data="+data, "--log-level=debug", "--edge-addr=127.0.0.1:0", "--alert-addr=127.0.0.1:0",
		"--refusal-time=1s", "--breaker-percent=-1", "--provider-url="+mockup, "--messenger-config="+config)
	urls := p.URLs(t, 2)
	d := deployment{edge: urls["edge"], alert: urls["alert"], mockup: mockup}
	const secret = "s3cr3t"
	kim := &userv1.CreateUserRequest{NickName: "kim"}
	changed := strings.NewReplacer("secret_key", "secret_key", "secret", secret) // the name of a parameter stays
	for _, m := range everyMessenger {
		credential := changed.Replace(m.credential)
		kim.Addresses = append(kim.Addresses, &userv1.NewAddress{Messenger: m.messenger, Credential: credential, Destination: m.destination})
	}
	users := userv1connect.NewUserServiceClient(http.DefaultClient, d.edge)
	made, err := users.CreateUser(t.Context(), kim)
	must(t, err)
	var ids []string
	for _, status := range []int32{500, 429, 401, 404, 400, 200} {
		d.reset(t)
		for i, m := range everyMessenger {
			path := strings.ReplaceAll(m.path, "secret", secret)
			d.fault(t, &mockupv1.Fault{Path: path, Status: status, Body: "you said " + kim.GetAddresses()[i].GetCredential()})
		}
		id := d.send(t, `{"target":["@kim"],"severity":"high","message":"node1 down","ttl":"3s"}`).ID
		d.ended(t, id)
		ids = append(ids, id)
		for _, a := range made.GetUser().GetAddresses() {
			res, err := users.VerifyUserAddress(t.Context(), &userv1.VerifyUserAddressRequest{NickName: "kim", Id: a.GetId(), SendTest: true})
			if strings.Contains(fmt.Sprint(res, err), secret) {
				t.Errorf("a test of %s returns %v, %v", a.GetMessenger(), res, err)
			}
		}
	}
	urlsOf := []string{d.edge + "/v1/users", d.edge + "/v1/alerts", d.edge + "/v1/paces", d.alert + "/metrics"}
	for _, id := range ids {
		urlsOf = append(urlsOf, d.edge+"/v1/alerts/"+id)
	}
	responses := ""
	for _, url := range urlsOf {
		_, answer := request(t, http.MethodGet, url, "")
		responses += answer
		if strings.Contains(answer, secret) {
			t.Errorf("%s returns %s", url, answer)
		}
	}
	if !strings.Contains(responses, "you said ") {
		t.Error("no response of a provider is logged: the search covers nothing")
	}
	p.Kill()
	unwritten(t, p, data, secret, "ops@example.com")
}

func values(of map[string]string) []string {
	all := make([]string, 0, len(of))
	for _, v := range of {
		all = append(all, v)
	}
	return all
}
