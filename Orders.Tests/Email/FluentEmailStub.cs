// As much of FluentEmail as FluentEmailSender.cs uses, so that a change of the port breaks the build. The package itself does
// not restore everywhere (docs/adr/0003-mail-transport.md).
#pragma warning disable
using System.Net.Mail;

namespace FluentEmail.Core
{
    internal sealed class Email(Defaults.ReplaceRenderer renderer, Smtp.SmtpSender sender, string address, string name)
    {
        public Models.EmailData Data { get; } = new();

        public Email Subject(string subject) => this;

        public Email Body(string body, bool isHtml) => this;

        public Email PlaintextAlternativeBody(string body) => this;

        public Email Header(string header, string body) => this;

        public Task<Models.SendResponse> SendAsync(CancellationToken? token = null) => Task.FromResult(new Models.SendResponse());
    }
}

namespace FluentEmail.Core.Defaults
{
    internal sealed class ReplaceRenderer;
}

namespace FluentEmail.Core.Models
{
    internal sealed class Address(string emailAddress, string? name = null);

    internal sealed class EmailData
    {
        public IList<Address> ToAddresses { get; } = [];
    }

    internal sealed class SendResponse
    {
        public IList<string> ErrorMessages { get; } = [];

        public bool Successful => ErrorMessages.Count == 0;
    }
}

namespace FluentEmail.Smtp
{
    internal sealed class SmtpSender(SmtpClient client);
}
