using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VmSim.Host.Service;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>What the commands that ask a service have in common: where it is, and whose token they show.</summary>
internal sealed class ServiceArguments
{
    private const string ServerVariable = "VMSIM_SERVER";
    private const string TokenVariable = "VMSIM_TOKEN_FILE";
    private const string AuthorityVariable = "VMSIM_AUTHORITY";

    private readonly Option<string> _server = new("--server")
    {
        Description = $"Where the service is; {ServerVariable} in the environment says it too.",
        HelpName = "URL",
        DefaultValueFactory = _ =>
            Environment.GetEnvironmentVariable(ServerVariable) ?? $"http://127.0.0.1:{ServiceOptions.UsualPort}",
    };

    private readonly Option<string?> _tokenFile = new("--token-file")
    {
        Description = $"File with the token, or {TokenVariable} in the environment; else that of this user's own service, in --store.",
        HelpName = "FILE",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(TokenVariable),
    };

    private readonly Option<string?> _authority = new("--authority")
    {
        Description = "Certificate of the authority (authority.crt of `vmsim certs`) that the service's own must be of, for https; or "
            + $"{AuthorityVariable} in the environment.",
        HelpName = "FILE",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(AuthorityVariable),
    };

    private readonly Option<string> _store = ServeCommand.StoreOption();

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_server, _tokenFile, _authority, _store])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Makes a client of the service that <c>--server</c> names.</summary>
    /// <exception cref="UsageException">The options do not go together.</exception>
    public ServiceClient Connect(ParseResult parsed)
    {
        string token = parsed.GetValue(_tokenFile) ?? new StoreFolder(parsed.GetValue(_store)!).OwnToken;
        return Connect("--server", parsed.GetValue(_server)!, token, parsed.GetValue(_authority));
    }

    /// <summary>Makes a client.</summary>
    /// <param name="option">What names the service on the command line.</param>
    /// <param name="text">Where the service is.</param>
    /// <param name="tokenFile">File with the token.</param>
    /// <param name="authority">Certificate of the authority; null for a service without TLS.</param>
    /// <exception cref="UsageException">The options do not go together.</exception>
    public static ServiceClient Connect(string option, string text, string tokenFile, string? authority)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? server) || server.Scheme is not ("http" or "https"))
        {
            throw new UsageException($"{option}: \"{text}\" found; a URL is allowed, such as http://127.0.0.1:{ServiceOptions.UsualPort}");
        }

        bool isSecure = server.Scheme == "https";
        if (isSecure != (authority is not null) || (!isSecure && !server.IsLoopback))
        {
            throw new UsageException(
                isSecure ? $"{option} {text}: name the authority that its certificate is of: --authority FILE"
                : authority is not null ? $"--authority: {option} {text} is not https"
                : $"{option} {text}: a token goes over https alone to another machine");
        }

        return ServiceClient.Create(server, OwnToken.Read(tokenFile), authority is null ? null : LoadAuthority(authority));
    }

    private static X509Certificate2 LoadAuthority(string file)
    {
        if (!File.Exists(file))
        {
            throw new UsageException($"--authority {file}: there is no such file");
        }

        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(file);
        }
        catch (CryptographicException reason)
        {
            throw new UsageException(
                $"--authority {file}: a certificate is needed, as vmsim certs writes it ({reason.Message})", reason);
        }
    }
}
