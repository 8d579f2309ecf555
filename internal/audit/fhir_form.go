package audit

// Systems of codes in an AuditEvent.
const (
	sysEventType   = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	sysDICOM       = "http://dicom.nema.org/resources/ontology/DCM"
	sysInteraction = "http://hl7.org/fhir/restful-interaction"
	sysEntityType  = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	sysObjectRole  = "http://terminology.hl7.org/CodeSystem/object-role"
	sysParticipant = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	sysProvenance  = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
	sysReason      = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	sysSourceType  = "http://terminology.hl7.org/CodeSystem/security-source-type"
	sysBALP        = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
	sysAction      = "urn:wardkeep:audit-action"
	sysRole        = "urn:wardkeep:role"
	sysRecord      = "urn:wardkeep:record"
	sysActor       = "urn:wardkeep:actor"
	sysSpool       = "urn:wardkeep:spool"

	profileBALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
)

type coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding"`
}

type identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value"`
}

type reference struct {
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

type network struct {
	Address string `json:"address"`
	Type    string `json:"type"`
}

type agent struct {
	Type         concept   `json:"type"`
	Role         []concept `json:"role,omitempty"`
	Who          reference `json:"who"`
	Requestor    bool      `json:"requestor"`
	Network      *network  `json:"network,omitempty"`
	PurposeOfUse []concept `json:"purposeOfUse,omitempty"`
}

type entity struct {
	What        *reference `json:"what,omitempty"`
	Type        coding     `json:"type"`
	Role        *coding    `json:"role,omitempty"`
	Description string     `json:"description,omitempty"`
	Query       []byte     `json:"query,omitempty"` // base64
}

type auditEvent struct {
	ResourceType string    `json:"resourceType"`
	ID           string    `json:"id"`
	Meta         *meta     `json:"meta,omitempty"`
	Type         coding    `json:"type"`
	Subtype      []coding  `json:"subtype,omitempty"`
	Action       string    `json:"action,omitempty"`
	Recorded     string    `json:"recorded"`
	Outcome      string    `json:"outcome"`
	OutcomeDesc  string    `json:"outcomeDesc,omitempty"`
	Purpose      []concept `json:"purposeOfEvent,omitempty"`
	Agent        []agent   `json:"agent"`
	Source       source    `json:"source"`
	Entity       []entity  `json:"entity,omitempty"`
}

type meta struct {
	Profile []string `json:"profile"`
}

type source struct {
	Site     string    `json:"site,omitempty"`
	Observer reference `json:"observer"`
	Type     []coding  `json:"type"`
}

// form is how an action looks in FHIR, after the profiles of IHE Basic Audit
// Log Patterns.
type form struct {
	kind, subtype          coding
	action                 string
	profile                string // "" if BALP has none for it
	client, server, person coding
}

var (
	rest        = coding{sysEventType, "rest", "Restful Operation"}
	sourceRole  = coding{sysDICOM, "110153", "Source Role ID"}
	destRole    = coding{sysDICOM, "110152", "Destination Role ID"}
	application = coding{sysDICOM, "110150", "Application"}
	custodian   = coding{sysProvenance, "custodian", "Custodian"}
	recipient   = coding{sysParticipant, "IRCP", "information recipient"}
	author      = coding{sysParticipant, "AUT", "author (originator)"}
)

func interaction(code string) coding { return coding{sysInteraction, code, code} }

func dicom(code, display string) coding { return coding{sysDICOM, code, display} }

func formOf(action string) form {
	read := form{rest, interaction(action), "R", "Read", destRole, sourceRole, recipient}
	query := form{rest, interaction("search"), "E", "Query", sourceRole, destRole, recipient}
	write := form{rest, interaction(action), "U", "Update", sourceRole, destRole, author}
	other := form{rest, coding{sysAction, action, action}, "E", "", sourceRole, destRole, recipient}
	switch action {
	case ActionRead, ActionVRead:
		return read
	case ActionSearch:
		return query
	case ActionUpdate, ActionPatch:
		return write
	case ActionCreate:
		write.action, write.profile = "C", "Create"
		return write
	case ActionDelete:
		return form{rest, interaction(action), "D", "Delete", application, custodian, author}
	case ActionHistory, ActionBatch:
		other.subtype = interaction(action)
	case ActionView:
		other.action = "R"
	case ActionExport:
		other.kind, other.action = dicom("110106", "Export"), "R"
	case ActionLogin:
		other.kind, other.subtype = dicom("110114", "User Authentication"), dicom("110122", "Login")
	case ActionLogout:
		other.kind, other.subtype = dicom("110114", "User Authentication"), dicom("110123", "Logout")
	case ActionBreak:
		other.kind, other.subtype = dicom("110113", "Security Alert"), dicom("110127", "Emergency Override Started")
	case ActionLogStart:
		other.kind, other.subtype = dicom("110100", "Application Activity"), dicom("110120", "Application Start")
	case ActionLogStop:
		other.kind, other.subtype = dicom("110100", "Application Activity"), dicom("110121", "Application Stop")
	}
	return other
}
