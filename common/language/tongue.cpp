#include "language/tongue.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "language/words.hpp"

namespace talky::language {
namespace {

struct Tongue {
  std::string_view name;
  std::string_view words; // between spaces; without accents as well as with them
};

// Words that English does not have, or hardly ever ("die", "was", "in" are left out).
constexpr std::array kTongues = {
    Tongue{"Spanish",
           " hola quisiera pedir una cita para manana mañana por favor quiero necesito buenos buenas dias "
           "días tardes "
           "gracias habla hablas usted español espanol puedo tengo hora cortar pelo el los que es esta está "
           "señor "
           "senor cuanto cuánto cuesta donde dónde reservar un con mi me gustaria gustaría hacer si sí "},
    Tongue{"French",
           " bonjour bonsoir je voudrais un rendez vous salut est ce que parlez francais français merci oui "
           "pour "
           "demain s'il plait plaît voudrai une coupe cheveux avez le les suis peux prendre j'aimerais "
           "jaimerais "
           "c'est cest combien ou où quel quelle heure matin soir aujourd'hui aujourdhui avec ne pas "},
    Tongue{"German",
           " guten tag morgen hallo ich möchte mochte moechte gerne gern einen eine termin machen bitte "
           "danke sprechen "
           "sie deutsch haben wir kann können konnen für fur fuer uhr ein haarschnitt heute übermorgen und "
           "nicht "
           "ist das der mein wie viel kostet wann haare schneiden lassen brauche hätte hatte "},
    Tongue{
        "Italian",
        " buongiorno buonasera ciao vorrei un appuntamento per domani grazie parla italiano posso prenotare "
        "taglio capelli il che una di sono ho bisogno quanto costa dove siete prego oggi alle scusi "},
    Tongue{"Portuguese",
           " bom dia boa tarde olá ola queria marcar uma consulta obrigado obrigada fala português portugues "
           "amanhã "
           "amanha por favor gostaria eu você voce corte cabelo para hoje não nao quanto custa "},
    Tongue{"Dutch",
           " goedemorgen goedemiddag goedendag hallo ik wil graag een afspraak maken alstublieft dank je "
           "spreekt u "
           "nederlands morgen knippen voor het kan ik niet wat kost hoe laat vandaag "},
    Tongue{"Turkish",
           " merhaba randevu almak istiyorum yarın yarin için icin teşekkürler tesekkurler lütfen lutfen iyi "
           "günler "
           "gunler saç sac kesimi türkçe turkce bir konuşuyor konusuyor musunuz "},
    Tongue{"Polish",
           " dzień dzien dobry chciałbym chcialbym chciałabym umówić umowic się sie na wizytę wizyte proszę "
           "prosze "
           "dziękuję dziekuje jutro czy mówi mowi pan pani po polsku "}};

constexpr std::string_view kEnglish =
    " the a i you is are do can my to of and for it at on what how want would like have need please yes no "
    "that this with hello "
    "your me when where not in be am im id was there if so but or we they from tomorrow monday tuesday "
    "wednesday thursday friday "
    "saturday sunday haircut cut name appointment is its thank thanks ";

bool holds(std::string_view list, const std::string& word) {
  return list.find(' ' + word + ' ') != std::string_view::npos;
}

} // namespace

std::string_view foreign_language(std::string_view text) {
  const auto heard = words(text);
  if (heard.size() < 2) return {};
  const auto english =
      std::count_if(heard.begin(), heard.end(), [](const std::string& w) { return holds(kEnglish, w); });
  std::string_view best;
  std::ptrdiff_t most = 0;
  for (const Tongue& tongue : kTongues) {
    const auto count = std::count_if(heard.begin(), heard.end(),
                                     [&](const std::string& w) { return holds(tongue.words, w); });
    if (count > most) {
      most = count;
      best = tongue.name;
    }
  }
  // Two of its words, and more than of English; a few may be names.
  if (most < 2 || most <= english || 2 * most < static_cast<std::ptrdiff_t>(heard.size())) return {};
  return best;
}

} // namespace talky::language
