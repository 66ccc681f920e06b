package httpx

// ncpSENS is KakaoTalk's AlimTalk by Simple & Easy Notification Service of NAVER Cloud
// Platform. Documentation: https://api.ncloud-docs.com/docs/sens-alimtalk-send.
//
// A call is signed by HMAC-SHA256 with the secret key, in Base64, over the method, the
// path with its query, the time in milliseconds and the access key
// (https://api.ncloud-docs.com/docs/common-ncpapi). The time may differ from that of the
// server by 5 minutes (https://api.ncloud-docs.com/docs/sens-overview).
//
// A response has a status for each message: A000 is success, and any other a failure
// (https://api.ncloud-docs.com/docs/sens-alimtalk-get). Which of these are about the
// number is unverified, so a failure is about the message. Success means that SENS
// accepted the message.
//
// The number is without its country code, and the code is 82 by default
// (https://api.ncloud-docs.com/docs/ai-application-service-sens-alimtalkv2). A text has at
// most 1,000 characters (KakaoTalk's limit of an AlimTalk; unverified with SENS), and must
// be that of the template, with its variables replaced. A message costs money.
//
// Limits: none documented.
var ncpSENS = Named{
	Name: "ncpsens",
	Template: Template{
		Title: "KakaoTalk AlimTalk (NCP SENS)",
		Params: []Param{
			{Name: "access_key", Hint: "of NAVER Cloud Platform, from My Account, Access management", Pattern: `[!-~]+`},
			{Name: "secret_key", Hint: "the one of the access key", Pattern: `[!-~]+`},
			{Name: "service", Hint: "id of the Biz Message service, ncp:kkobizmsg:kr:…", Public: true, Pattern: `[A-Za-z0-9:._-]+`},
			{Name: "channel", Hint: "of KakaoTalk, such as @shop", Public: true, Pattern: `@[^\s]+`},
			{Name: "template", Hint: "code of an approved template", Public: true, Pattern: `[^\s]+`},
		},
		Destination: Destination{
			Label: "Telephone number", Hint: "in Korea, such as +821012345678", Required: true, Pattern: `\+82[1-9][0-9]{7,9}`,
		},
		Costly: true,
		Request: Request{
			URL: "https://sens.apigw.ntruss.com/alimtalk/v2/services/{{.Param.service}}/messages",
			Headers: map[string]string{
				"Content-Type":             "application/json; charset=utf-8",
				"x-ncp-apigw-timestamp":    "{{.Millis}}",
				"x-ncp-iam-access-key":     "{{.Param.access_key}}",
				"x-ncp-apigw-signature-v2": "{{.Signature}}",
			},
			Body: `{"plusFriendId":{{json .Param.channel}},"templateCode":{{json .Param.template}},` +
				`"messages":[{"countryCode":"82","to":"0{{slice .Destination 3}}","content":{{json .Text}}}]}`,
			Sign: &Sign{
				Key:  "{{.Param.secret_key}}",
				Text: "{{.Method}} {{.RequestURI}}\n{{.Millis}}\n{{.Param.access_key}}",
			},
			Text:    Text{Limit: 1_000},
			Success: Success{Path: "$.messages[0].requestStatusCode", Equals: "A000", ID: "$.messages[0].messageId"},
			Code:    "$.messages[0].requestStatusCode",
			Failures: []Failure{ // the local clock is wrong, and may be corrected; the text is unverified
				{Status: []int{401}, Path: "$.error.errorMessage", Equals: []string{"Expired timestamp."}, Means: "retry"},
			},
		},
	},
}
