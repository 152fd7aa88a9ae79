using VmSim.Actors.Configuration;

namespace VmSim.Actors.Tests.Configuration;

public sealed class SettingsReferenceTests
{
    /// <summary>docs/settings.md is what the settings say. VMSIM_UPDATE_DOCS=1 writes it anew.</summary>
    [Fact]
    public void SettingsPage_IsCurrent()
    {
        using StringWriter text = new();
        SettingsReference.Write(text);
        string page = Path.Combine(Path.GetDirectoryName(ConfigFiles.Find("akka.conf"))!, "..", "docs", "settings.md");
        if (Environment.GetEnvironmentVariable("VMSIM_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(page, text.ToString().ReplaceLineEndings("\n"));
        }

        Assert.Equal(File.ReadAllText(page), text.ToString().ReplaceLineEndings("\n"));
    }
}
