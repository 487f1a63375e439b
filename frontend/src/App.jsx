import './App.css'
import Announcer from './components/ui/Announcer.jsx'
import AppHeader from './components/AppHeader.jsx'
import ConnectionBanner from './components/page/ConnectionBanner.jsx'
import DemoBanner from './components/models/DemoBanner.jsx'
import Gate from './components/session/Gate.jsx'
import PanelBoundary from './components/ui/PanelBoundary.jsx'
import Studio from './components/Studio.jsx'
import Toaster from './components/ui/Toaster.jsx'

export default function App() {
  return (
    <Announcer>
      <Toaster>
        <AppHeader />
        <main>
          <Gate>
            <div className="banners">
              <ConnectionBanner />
              <PanelBoundary>
                <DemoBanner />
              </PanelBoundary>
            </div>
            <Studio />
          </Gate>
        </main>
      </Toaster>
    </Announcer>
  )
}
