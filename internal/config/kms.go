package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// KMSLocal is the setting kms of a root key that lies in a file.
const KMSLocal = "local"

// AWSKMS names a key of the AWS Key Management Service. Credentials are no setting:
// they come from where AWS programs look for them.
type AWSKMS struct {
	Key      string // ARN, ID, or alias/name
	Region   string
	Endpoint string // "": the region's own
}

var errKMS = errors.New("kms must be local, or look like awskms:///alias/NAME?region=eu-central-1, with the ARN of a key in the place of alias/NAME if you like")

// ParseKMS reads the setting kms. It returns nil for a root key in a file.
func ParseKMS(setting string) (*AWSKMS, error) {
	if setting == "" || setting == KMSLocal {
		return nil, nil
	}
	u, err := url.Parse(setting)
	if err != nil || u.Scheme != "awskms" || u.Host != "" || u.User != nil || u.Fragment != "" {
		return nil, errKMS
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errKMS
	}
	for name, values := range q {
		if name != "region" && name != "endpoint" || len(values) != 1 {
			return nil, fmt.Errorf("kms takes region and endpoint behind the question mark, each once; %q is wrong", name)
		}
	}
	a := &AWSKMS{Key: strings.TrimPrefix(u.Path, "/"), Region: q.Get("region"), Endpoint: q.Get("endpoint")}
	if a.Key == "" || a.Region == "" {
		return nil, errKMS
	}
	if a.Endpoint == "" {
		return a, nil
	}
	e, err := url.Parse(a.Endpoint)
	if err != nil || e.Host == "" || e.User != nil || e.Scheme != "https" && (e.Scheme != "http" || !Loopback(net.JoinHostPort(e.Hostname(), "0"))) {
		return nil, errors.New("the endpoint of kms must begin with https://")
	}
	return a, nil
}
