using Microsoft.Extensions.Options;
using Orders.Email.Dkim;

namespace Orders.Email.Check;

/// <summary>The steps of the check on what DNS says of the sender's domain. None of it keeps emails from going out, but from arriving.</summary>
internal sealed class DnsCheck(IOptions<EmailOptions> options, IDnsLookup dns, CheckReport report)
{
    private readonly DkimOptions _dkim = options.Value.Dkim;
    private readonly string _domain = options.Value.Sender.Host;

    /// <summary>Goes through these steps; without DNS it says so.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_domain.Contains('.', StringComparison.Ordinal))
        {
            report.Warn("dns", $"{_domain}, the domain of Email__From, is known to this machine or network only. Set Email__From to an address that customers can answer.");
            return;
        }

        try
        {
            await CheckDkimAsync(cancellationToken);
            SpfRecord.Judge(_domain, await dns.FindTextsAsync(_domain, cancellationToken), report);
            await CheckDmarcAsync(cancellationToken);
            await CheckBouncesAsync(cancellationToken);
        }
        catch (DnsUnavailableException unavailable)
        {
            report.Warn("dns", $"{TextSanitizer.OneLine(unavailable.Message)} What {_domain} publishes is not checked any further.");
        }
    }

    /// <summary>Looks for a policy at the domain, then at its parents: one of them is what RFC 7489, section 3.2, calls the organizational domain.</summary>
    private async Task CheckDmarcAsync(CancellationToken cancellationToken)
    {
        for (var domain = _domain; domain.Contains('.', StringComparison.Ordinal); domain = domain[(domain.IndexOf('.', StringComparison.Ordinal) + 1)..])
        {
            var found = DmarcRecord.Among(await dns.FindTextsAsync($"_dmarc.{domain}", cancellationToken));
            if (found.Count > 0)
            {
                DmarcRecord.Judge(domain, found, report, isParent: domain != _domain);
                return;
            }
        }

        DmarcRecord.Judge(_domain, [], report, isParent: false);
    }

    private async Task CheckDkimAsync(CancellationToken cancellationToken)
    {
        if (_dkim.IsSet)
        {
            var name = $"{_dkim.Selector}._domainkey.{_dkim.Domain}";
            DkimRecord.Judge(name, await dns.FindTextsAsync(name, cancellationToken), DkimKey.Read(_dkim.PrivateKeyFile!), report);
        }
        else
        {
            DkimRecord.ReportNone(report);
        }
    }

    private async Task CheckBouncesAsync(CancellationToken cancellationToken)
    {
        const string Step = "bounces";
        var servers = await dns.FindMailServersAsync(_domain, cancellationToken);
        if (servers is ["."])
        {
            report.Warn(Step, $"{_domain} takes no email, by its MX record: bounces and answers are lost. Set Email__From to an address that takes them.");
        }
        else if (servers.Count > 0)
        {
            report.Ok(Step, $"Bounces and answers go to {TextSanitizer.OneLine(string.Join(", ", servers))}, by the MX records of {_domain}.");
        }
        else if (await dns.HasAddressAsync(_domain, cancellationToken))
        {
            report.Warn(Step, $"{_domain} has no MX record: bounces and answers go to its own address. Add an MX record that names its mail server.");
        }
        else
        {
            report.Warn(Step, $"{_domain} has neither an MX record nor an address: bounces and answers are lost, and many servers refuse such a sender. Add an MX record.");
        }
    }
}
