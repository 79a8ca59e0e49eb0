using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orders.Email.Dkim;
using Orders.Email.Smtp;
using Orders.Email.Smtp.OAuth;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Email;

public static class EmailRegistration
{
    /// <summary>Adds the <see cref="IEmailSender"/> that section <c>Email</c> asks for.</summary>
    public static IHostApplicationBuilder AddEmail(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IValidateOptions<EmailOptions>, EmailOptionsValidator>();
        builder.AddValidatedOptions<EmailOptions>(EmailOptions.Section);

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<EmailMetrics>();
        builder.Services.AddHostedService<RedirectNotice>();
        builder.Services.AddHostedService<DkimKeyNotice>();
        builder.Services.AddSingleton<DkimSignature>();
        builder.Services.AddSingleton<EmailWriter>();
        builder.Services.AddHttpClient(TokenEndpoint.Client, http => http.MaxResponseContentBufferSize = TokenEndpoint.LongestAnswer)
            // A secret is for the address that was configured, and for no other.
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false })
            .RemoveAllLoggers();
        builder.Services.AddSingleton<TokenEndpoint>();
        builder.Services.AddSingleton<AccessTokens>();
        builder.Services.AddSingleton<SmtpLogin>();
        builder.Services.AddSingleton<SmtpConnector>();
        builder.Services.AddSingleton<SmtpConnectionPool>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SmtpConnectionPool>());
        builder.Services.AddSingleton(services => CreateSender(services).WithConnection(services));

        return builder;
    }

    /// <summary>The sender itself, which knows nothing of outages and waits for no connection.</summary>
    internal static IEmailSender CreateSender(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<EmailOptions>>().Value;
        IEmailSender sender = options.Delivery == EmailDelivery.Smtp
#if FLUENT_EMAIL
            ? ActivatorUtilities.CreateInstance<FluentEmailSender>(services)
#else
            ? ActivatorUtilities.CreateInstance<SmtpEmailSender>(services)
#endif
            : ActivatorUtilities.CreateInstance<PickupDirectoryEmailSender>(services);
        return options.IsRedirected ? ActivatorUtilities.CreateInstance<RedirectedEmailSender>(services, sender) : sender;
    }

    /// <summary>The connections to the mail server, where emails go to one.</summary>
    internal static SmtpConnectionPool? GetConnections(this IServiceProvider services) =>
        services.GetRequiredService<IOptions<EmailOptions>>().Value.Delivery == EmailDelivery.Smtp ? services.GetRequiredService<SmtpConnectionPool>() : null;

    private static IEmailSender WithConnection(this IEmailSender sender, IServiceProvider services) =>
        services.GetConnections() is { } connections ? new PooledEmailSender(sender, connections) : sender;
}
