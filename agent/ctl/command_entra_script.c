/*
 * command_entra_script.c - "msgraphctl entra-script NAME": prints the
 * PowerShell that makes an application with a secret or a certificate, and lets
 * it send as some mailboxes, by RBAC for Applications. Nothing is run here.
 *
 * The cmdlets are those of Microsoft's pages "New-MgApplication",
 * "New-MgServicePrincipal", "Add-MgApplicationPassword" (Microsoft Graph
 * PowerShell) and "Role Based Access Control for Applications in Exchange
 * Online". Values come into the script as strings in single quotes
 * (base/powershell.h), each once, and as variables from there on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "agent/ctl/base/powershell.h"
#include "lib/base/printable.h"
#include "lib/base/version.h"
#include "lib/local/identity.h"
#include "commands.h"

#define SCRIPT_MAX (4L * 1024 * 1024)

/* With " mailboxes" it is a group's name, of which Exchange takes 64. */
#define SCRIPT_NAME_MAX 50

#define CERTIFICATE_MAX (64 * 1024)
#define CERTIFICATE_LINES 10000 /* and what stands before it */
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

struct entra_script {
	const char *name, *tenant;
	const char *certificate; /* a file; NULL: a secret */
	const char **mailboxes; /* owned */
	size_t mailbox_count;
};

/* --- parts of the script --- */

static const char command_entra_script_head[] =
    "# Made by msgraphctl entra-script, postfix-msgraph " MSGRAPH_VERSION ".\n"
    "#\n"
    "# Run it in PowerShell as an Application Administrator of Entra who is "
    "an\n"
    "# Exchange Administrator too. It needs two modules:\n"
    "#   Install-Module Microsoft.Graph.Applications -Scope CurrentUser\n"
    "#   Install-Module ExchangeOnlineManagement -Scope CurrentUser\n"
    "$ErrorActionPreference = 'Stop'\n";

static const char command_entra_script_application[] =
    "\n# The application. It gets no API permission in Entra: that would "
    "count\n"
    "# for every mailbox of the tenant.\n"
    "$application = New-MgApplication -DisplayName $name"
    " -SignInAudience 'AzureADMyOrg'\n"
    "$principal = New-MgServicePrincipal -AppId $application.AppId\n"
    "$tenant = (Get-MgContext).TenantId\n";

static const char command_entra_script_secret[] =
    "$secret = Add-MgApplicationPassword -ApplicationId $application.Id"
    " -PasswordCredential @{\n"
    "    DisplayName = 'postfix-msgraph'\n"
    "    EndDateTime = (Get-Date).ToUniversalTime().AddYears(1)\n"
    "}\n";

static const char command_entra_script_certificate[] =
    "Update-MgApplication -ApplicationId $application.Id -KeyCredentials @(@{\n"
    "    DisplayName = 'postfix-msgraph'\n"
    "    Type = 'AsymmetricX509Cert'\n"
    "    Usage = 'Verify'\n"
    "    Key = [Convert]::FromBase64String($certificate)\n"
    "})\n";

static const char command_entra_script_exchange[] =
    "\n# The mailboxes that it may send as: direct members of a group\n"
    "Connect-ExchangeOnline -ShowBanner:$false\n"
    "New-ServicePrincipal -AppId $application.AppId -ObjectId $principal.Id"
    " -DisplayName $name\n"
    "$made = New-DistributionGroup -Name $group -Type Security"
    " -Members $mailboxes\n"
    "Set-DistributionGroup -Identity $group"
    " -HiddenFromAddressListsEnabled $true\n"
    "$dn = $made.DistinguishedName\n"
    "$filter = \"MemberOfGroup -eq '\" + $dn.Replace(\"'\", \"''\") + \"'\"\n"
    "New-ManagementScope -Name $group -RecipientRestrictionFilter $filter\n"
    "New-ManagementRoleAssignment -App $principal.Id"
    " -Role 'Application Mail.Send' -CustomResourceScope $group\n"
    "foreach ($mailbox in $mailboxes) {\n"
    "    Test-ServicePrincipalAuthorization -Identity $principal.Id"
    " -Resource $mailbox | Format-Table\n"
    "}\n"
    "\n# Graph may refuse for up to two hours, until all of this has spread.\n"
    "# For messages over 3 MB, which lets it read the mailboxes as well:\n"
    "#   New-ManagementRoleAssignment -App $principal.Id"
    " -Role 'Application Mail.ReadWrite' -CustomResourceScope $group\n"
    "# More mailboxes later: Add-DistributionGroupMember -Identity $group"
    " -Member ...\n"
    "Write-Output \"application: $tenant/$($application.AppId)\"\n"
    "Write-Output \"user name:   $tenant@$($application.AppId)\"\n";

static const char command_entra_script_show_secret[] =
    "Write-Output \"secret:      $($secret.SecretText)\"\n"
    "Write-Output \"it ends:     $($secret.EndDateTime)\"\n";

/* Appends "$variable = 'text'". */
static int
command_entra_script_set(
    struct buf *out, const char *variable, const char *text)
{
	return buf_printf(out, "$%s = ", variable) == -1 ||
		powershell_string(out, text) == -1 ||
		buf_add_string(out, "\n") == -1
	    ? -1
	    : 0;
}

static int
command_entra_script_mailboxes(
    struct buf *out, const struct entra_script *script)
{
	int bad = buf_add_string(out, "$mailboxes = @(\n");
	size_t i;

	for (i = 0; i < script->mailbox_count; i++) {
		bad |= buf_add_string(out, "    ");
		bad |= powershell_string(out, script->mailboxes[i]);
		bad |= buf_add_string(out, "\n");
	}
	return bad | buf_add_string(out, ")\n");
}

/* Appends the command that signs in, to one tenant if one is named. */
static int
command_entra_script_connect(struct buf *out, const char *tenant)
{
	int bad = buf_add_string(out,
	    "\nConnect-MgGraph -NoWelcome -Scopes 'Application.ReadWrite.All'");

	if (tenant != NULL) {
		bad |= buf_add_string(out, " -TenantId ");
		bad |= powershell_string(out, tenant);
	}
	return bad | buf_add_string(out, "\n");
}

/* --- the certificate --- */

/*
 * Reads the first certificate of a file in PEM form (RFC 7468), as base64 on
 * one line. Nothing else of the file is kept: a key may be in it too. 0, or -1
 * with *err.
 */
static int
command_entra_script_read_certificate(
    const char *file, struct buf *base64, struct error *err)
{
	FILE *in = fopen(file, "re");
	char line[256];
	int inside = 0, ended = 0, lines = 0;

	if (in == NULL)
		return error_set(err, ERROR_OURS, "4.3.5", "cannot open %s: %s",
		    file, strerror(errno));
	while (!ended && lines++ < CERTIFICATE_LINES &&
	    fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strcmp(line, PEM_BEGIN) == 0)
			inside = 1;
		else if (strcmp(line, PEM_END) == 0)
			ended = inside;
		else if (inside)
			buf_add_string(base64, line);
	}
	explicit_bzero(line, sizeof(line));
	fclose(in);
	if (ended && !base64->failed && base64->len > 0 &&
	    strspn(base64->bytes,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/=") == base64->len)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s: no certificate in PEM form there", file);
}

/* --- the script --- */

static int
command_entra_script_write(
    const struct entra_script *script, const char *certificate, struct buf *out)
{
	char group[2 * SCRIPT_NAME_MAX * 4];
	int bad = buf_add_string(out, command_entra_script_head);

	snprintf(group, sizeof(group), "%s mailboxes", script->name);
	bad |= command_entra_script_set(out, "name", script->name);
	bad |= command_entra_script_set(out, "group", group);
	bad |= command_entra_script_mailboxes(out, script);
	if (certificate != NULL)
		bad |=
		    command_entra_script_set(out, "certificate", certificate);
	bad |= command_entra_script_connect(out, script->tenant);
	bad |= buf_add_string(out, command_entra_script_application);
	bad |= buf_add_string(out,
	    certificate != NULL ? command_entra_script_certificate
				: command_entra_script_secret);
	bad |= buf_add_string(out, command_entra_script_exchange);
	if (certificate == NULL)
		bad |= buf_add_string(out, command_entra_script_show_secret);
	return bad;
}

static int
command_entra_script_print(
    const struct command *command, const struct entra_script *script)
{
	struct buf out, base64;
	struct error err;
	int status = EX_USAGE;

	buf_init(&out, SCRIPT_MAX);
	buf_init(&base64, CERTIFICATE_MAX);
	if (script->certificate != NULL &&
	    command_entra_script_read_certificate(
		script->certificate, &base64, &err) == -1) {
		command_say(command, "%s", err.text);
	} else if (command_entra_script_write(script,
		       script->certificate == NULL ? NULL : base64.bytes,
		       &out) != 0) {
		command_say(command, "the values do not fit");
	} else {
		fwrite(out.bytes, 1, out.len, stdout);
		status = EX_OK;
	}
	buf_free(&base64);
	buf_free(&out);
	return status;
}

/* --- the command line --- */

/*
 * Returns 1 where a text may be quoted, and has at most max of UTF-16's units.
 */
static int
command_entra_script_is_name(const char *text, size_t max)
{
	size_t units = 0, i;
	struct buf quoted;
	int fits;

	for (i = 0; text[i] != '\0'; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			units += (unsigned char)text[i] >= 0xf0 ? 2 : 1;
	buf_init(&quoted, 4096);
	fits = powershell_string(&quoted, text) == 0;
	buf_free(&quoted);
	return fits && units > 0 && units <= max;
}

static int
command_entra_script_is_mailbox(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (!printable_is_visible(text[i]) ||
		    strchr("<>\"(),;:\\", text[i]) != NULL)
			return 0;
	return i < 320 && strchr(text, '@') != NULL &&
	    strchr(text, '@') == strrchr(text, '@') && text[0] != '@' &&
	    text[i - 1] != '@';
}

/* A tenant's id, or one of its domains. */
static int
command_entra_script_is_tenant(const char *text)
{
	char id[UUID_TEXT_SIZE];

	return identity_parse_id(text, strlen(text), id) == 0 ||
	    (text[0] != '\0' && strlen(text) < 256 &&
		strspn(text,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789.-") == strlen(text));
}

/* Returns what is wrong, or NULL. */
static const char *
command_entra_script_unfit(const struct entra_script *script)
{
	size_t i;

	if (!command_entra_script_is_name(script->name, SCRIPT_NAME_MAX))
		return "a name has 1 to 50 characters (UTF-8), none of them a "
		       "control character";
	if (script->tenant != NULL &&
	    !command_entra_script_is_tenant(script->tenant))
		return "a tenant is a UUID, as Entra shows it, or a domain";
	if (script->mailbox_count == 0)
		return "needs --mailbox, once for each mailbox that the "
		       "application may send as";
	for (i = 0; i < script->mailbox_count; i++)
		if (!command_entra_script_is_mailbox(script->mailboxes[i]))
			return "a mailbox is an address, as scan@example.com";
	return NULL;
}

static int
command_entra_script_read_options(struct entra_script *script, struct ctl *ctl,
    const struct command *command, int argc, char **argv)
{
	const char *value;
	int key, status = -1, has_secret = 0;

	while ((key = command_next(ctl, command, argc, argv, &value, &status)) >
	    0) {
		if (key == 'C')
			script->certificate = value;
		else if (key == 't')
			script->tenant = value;
		else if (key == 'm')
			script->mailboxes[script->mailbox_count++] = value;
		else
			has_secret = 1;
	}
	if (key == -1)
		return status;
	if (has_secret && script->certificate != NULL)
		return command_wrong(
		    command, "--secret and --certificate exclude each other");
	if (argc - optind != 1)
		return command_wrong(command,
		    "needs one name for the application, in quotes where it "
		    "has blanks");
	script->name = argv[optind];
	return -1;
}

static int
command_entra_script_run(
    struct ctl *ctl, const struct command *command, int argc, char **argv)
{
	struct entra_script script = {0};
	const char *unfit;
	int status = EX_OSERR;

	script.mailboxes = calloc((size_t)argc, sizeof(*script.mailboxes));
	if (script.mailboxes != NULL)
		status = command_entra_script_read_options(
		    &script, ctl, command, argc, argv);
	if (status == -1) {
		if ((unfit = command_entra_script_unfit(&script)) != NULL) {
			status = command_wrong(command, "%s", unfit);
		} else
			status = command_entra_script_print(command, &script);
	}
	free(script.mailboxes);
	return status;
}

static const struct cmdline_option command_entra_script_options[] = {
    {'C', "certificate", "file",
	"with this certificate (PEM); its key stays here"},
    {CMDLINE_HELP},
    {'m', "mailbox", "address",
	"a mailbox that it may send as; may be given again"},
    {'s', "secret", NULL, "with a secret for a year, which is the default"},
    {'t', "tenant", "id", "sign in to this tenant"},
    {0, NULL, NULL, NULL},
};

const struct command command_entra_script = {
    .name = "entra-script",
    .help = "print PowerShell that makes an application in Entra",
    .cmdline = {"msgraphctl entra-script",
	"[-C file | -s] [-t id] -m address ... name",
	command_entra_script_options, 1},
    .repeats = (const int[]){'m', 0},
    .run = command_entra_script_run,
};
