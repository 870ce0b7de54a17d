# Made by msgraphctl entra-script, postfix-msgraph @VERSION@.
#
# Run it in PowerShell as an Application Administrator of Entra who is an
# Exchange Administrator too. It needs two modules:
#   Install-Module Microsoft.Graph.Applications -Scope CurrentUser
#   Install-Module ExchangeOnlineManagement -Scope CurrentUser
$ErrorActionPreference = 'Stop'
$name = 'Scanners'
$group = 'Scanners mailboxes'
$mailboxes = @(
    'scan@example.com'
)
$certificate = 'bm90IGEgY2VydGlmaWNhdGUgdGhhdCBhbnlib2R5IGNvdWxkIHVzZSwgYnV0IGJ5dGVzIGluIGJhc2U2NA=='

Connect-MgGraph -NoWelcome -Scopes 'Application.ReadWrite.All'

# The application. It gets no API permission in Entra: that would count
# for every mailbox of the tenant.
$application = New-MgApplication -DisplayName $name -SignInAudience 'AzureADMyOrg'
$principal = New-MgServicePrincipal -AppId $application.AppId
$tenant = (Get-MgContext).TenantId
Update-MgApplication -ApplicationId $application.Id -KeyCredentials @(@{
    DisplayName = 'postfix-msgraph'
    Type = 'AsymmetricX509Cert'
    Usage = 'Verify'
    Key = [Convert]::FromBase64String($certificate)
})

# The mailboxes that it may send as: direct members of a group
Connect-ExchangeOnline -ShowBanner:$false
New-ServicePrincipal -AppId $application.AppId -ObjectId $principal.Id -DisplayName $name
$made = New-DistributionGroup -Name $group -Type Security -Members $mailboxes
Set-DistributionGroup -Identity $group -HiddenFromAddressListsEnabled $true
$dn = $made.DistinguishedName
$filter = "MemberOfGroup -eq '" + $dn.Replace("'", "''") + "'"
New-ManagementScope -Name $group -RecipientRestrictionFilter $filter
New-ManagementRoleAssignment -App $principal.Id -Role 'Application Mail.Send' -CustomResourceScope $group
foreach ($mailbox in $mailboxes) {
    Test-ServicePrincipalAuthorization -Identity $principal.Id -Resource $mailbox | Format-Table
}

# Graph may refuse for up to two hours, until all of this has spread.
# For messages over 3 MB, which lets it read the mailboxes as well:
#   New-ManagementRoleAssignment -App $principal.Id -Role 'Application Mail.ReadWrite' -CustomResourceScope $group
# More mailboxes later: Add-DistributionGroupMember -Identity $group -Member ...
Write-Output "application: $tenant/$($application.AppId)"
Write-Output "user name:   $tenant@$($application.AppId)"
