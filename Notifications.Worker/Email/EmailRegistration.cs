using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Notifications.Worker.Hosting;

namespace Notifications.Worker.Email;

public static class EmailRegistration
{
    /// <summary>Adds the <see cref="IEmailSender"/> that section <c>Email</c> asks for.</summary>
    public static IHostApplicationBuilder AddEmail(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IValidateOptions<EmailOptions>, EmailOptionsValidator>();
        builder.AddValidatedOptions<EmailOptions>(EmailOptions.Section);

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<EmailMetrics>();
        builder.Services.AddSingleton<SmtpConnectionPool>();
#if FLUENT_EMAIL
        builder.Services.AddSingleton<ISmtpHandover, FluentEmailHandover>();
#else
        builder.Services.AddSingleton<ISmtpHandover, NetMailHandover>();
#endif
        builder.Services.AddSingleton(CreateSender);

        return builder;
    }

    /// <summary>The sender itself, which knows nothing of outages.</summary>
    internal static IEmailSender CreateSender(IServiceProvider services) =>
        services.GetRequiredService<IOptions<EmailOptions>>().Value.Delivery switch
        {
            EmailDelivery.Smtp => ActivatorUtilities.CreateInstance<SmtpEmailSender>(services),
            _ => ActivatorUtilities.CreateInstance<PickupDirectoryEmailSender>(services),
        };
}
